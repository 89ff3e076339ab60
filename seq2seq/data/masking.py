"""Tokens hidden for a model to fill in (BERT; Devlin et al., 2019, section 3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from seq2seq.data.batches import Batch, BatchSource, Place
from seq2seq.data.tokenizer import SPECIAL, UNKNOWN

_CHOSEN, _HIDDEN, _REPLACED = 0.15, 0.8, 0.1  # of the tokens; of those, UNKNOWN; of those, another token


def masked(batch: Batch, vocabulary: int, generator: np.random.Generator) -> Batch:
    """A batch of texts whose labels are their tokens (B, S), of which 15 % count, one at least. Of these 80 % are
    hidden, as UNKNOWN, 10 % replaced by a token drawn from the vocabulary, and 10 % left as they are."""
    tokens, mask = batch.inputs
    assert tokens is not None
    labels = tokens.numpy()
    usable = labels >= len(SPECIAL)
    chosen = usable & (generator.random(labels.shape) < _CHOSEN)
    if not chosen.any():
        places = np.flatnonzero(usable if usable.any() else np.ones_like(usable))
        chosen.flat[generator.choice(places)] = True
    part = generator.random(labels.shape)
    drawn = generator.integers(len(SPECIAL), max(vocabulary, len(SPECIAL) + 1), labels.shape)
    changed = np.where(part < _HIDDEN, UNKNOWN, np.where(part < _HIDDEN + _REPLACED, drawn, labels))
    inputs = torch.from_numpy(np.where(chosen, changed, labels))
    return replace(batch, inputs=(inputs, mask), labels=tokens, tokens=int(chosen.sum()), mask=torch.from_numpy(chosen))


class MaskedBatches(BatchSource):
    """The batches of a source of texts, others of their tokens hidden each time: a pure function of (seed, place)."""

    def __init__(self, texts: BatchSource, vocabulary: int, seed: int) -> None:
        self._texts, self._vocabulary, self._seed = texts, vocabulary, seed

    def stream(self, start: Place) -> Iterator[tuple[Place, Batch]]:
        """Endless batches with their places, from a place on."""
        for place, batch in self._texts.stream(start):
            yield place, masked(batch, self._vocabulary, np.random.default_rng((self._seed, *place)))
