"""Attention of no model: distributions drawn at random, for pictures and pages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seq2seq.decoding.attention import Attention, AttentionMap
from seq2seq.model.recording import AttentionKind

SOURCE = ("▁où", "▁est", "▁la", "▁ga", "re", "▁?", "</s>")
TARGET = ("<s>", "▁Where", "▁is", "▁it", "?")


def drawn(
    kind: AttentionKind,
    queries: Sequence[str],
    keys: Sequence[str],
    *,
    layers: int = 2,
    heads: int = 3,
    causal: bool = False,
) -> AttentionMap:
    """A map; causal ones hide what comes after a query."""
    draw = np.random.default_rng(1)
    mask = np.tri(len(queries), len(keys), dtype=bool) if causal else np.ones((len(queries), len(keys)), bool)
    found = []
    for _ in range(layers):
        weights = draw.random((heads, *mask.shape)) * mask
        found.append((weights / weights.sum(-1, keepdims=True)).astype(np.float32))
    predicted = () if kind == "encoder" else (*queries[1:], "</s>")
    return AttentionMap(kind, tuple(queries), tuple(keys), predicted, tuple(found), mask)


def of_translator(
    text: str = "où est la gare ?",
    source: Sequence[str] = SOURCE,
    target: Sequence[str] = TARGET,
    *,
    output: str = "Where is it?",
    layers: int = 2,
    heads: int = 3,
) -> Attention:
    """All three kinds."""
    return Attention(
        text,
        output,
        drawn("cross", target, source, layers=layers, heads=heads),
        drawn("decoder", target, target, layers=layers, heads=heads, causal=True),
        drawn("encoder", source, source, layers=layers + 1, heads=heads),
    )
