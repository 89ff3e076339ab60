"""The attention of a few texts of a run's test set, for its page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from seq2seq import tasks
from seq2seq.errors import SeqxError
from seq2seq.evaluation.parts import AttentionMaps
from seq2seq.report.attention_page import captioned
from seq2seq.run import Run

_SHOWN, _TRIED, _LOOKED_AT = 3, 10, 500  # texts
_SHORTEST, _LONGEST = 15, 70  # characters
_MOST = 70  # tokens of a side
WEIGHTS = 50_000  # of a text: each is a number on the page


def attended(run: Run) -> list[AttentionMaps]:
    """What a finished run attends to in its first test texts of some words; nothing where it has none, or its model
    cannot be asked by one text alone."""
    found: list[AttentionMaps] = []
    with suppress(SeqxError, OSError):
        import torch

        from seq2seq.device import Numerics

        task = tasks.of(run.recipe()).served()
        attends = task.attention(run, Numerics(torch.device("cpu"), None))
        for text in _texts(run):
            attention = captioned(attends(text, None))
            if max(max(each.mask.shape) for each in attention.maps) <= _MOST:
                found.append(_bounded(attention))
            if len(found) == _SHOWN:
                break
    return found


def _texts(run: Run) -> Iterator[str]:
    texts = islice(tasks.of(run.recipe()).test_texts(run), _LOOKED_AT)
    lines = (line.strip() for text in texts for line in text.split("\n"))
    return islice((line for line in lines if _SHORTEST <= len(line) <= _LONGEST), _TRIED)


def _bounded(attention: AttentionMaps) -> AttentionMaps:
    """All of it, or only the mean of the heads of each layer in the first kind, where a page would be too large."""
    if sum(layer.size for each in attention.maps for layer in each.layers) <= WEIGHTS:
        return attention
    first = attention.maps[0]
    means = tuple(layer.mean(0, keepdims=True) for layer in first.layers)
    return AttentionMaps(f"{attention.caption} (mean of each layer's heads)", [replace(first, layers=means)])
