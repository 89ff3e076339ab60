"""The attention of a few texts of a run's test set, for its page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from seq2seq import tasks
from seq2seq.decoding.attention import KINDS, AttentionMap, shown
from seq2seq.errors import SeqxError
from seq2seq.evaluation.parts import Attention, Weights
from seq2seq.run import Run

_SHOWN, _TRIED, _LOOKED_AT = 3, 10, 500  # texts
_SHORTEST, _LONGEST = 15, 70  # characters
_MOST, _MOST_BY_LAYER = 70, 40  # tokens of a side: a page has a number for each pair of them


def attended(run: Run) -> list[Attention]:
    """What a finished run attends to in its first test texts of some words; nothing where it has none, or its model
    cannot be asked by one text alone."""
    found: list[Attention] = []
    with suppress(SeqxError, OSError):
        import torch

        from seq2seq.device import Numerics

        task = tasks.of(run.recipe()).served()
        attends = task.attention(run, Numerics(torch.device("cpu"), None))
        for text in _texts(run):
            attention = attends(text, None)
            first = attention.maps[0]
            if max(len(first.queries), len(first.keys)) > _MOST:
                continue
            caption = f"{text} → {attention.output}" if attention.output else text
            found.append(Attention(caption, list(_layers(first))))
            if len(found) == _SHOWN:
                break
    return found


def _texts(run: Run) -> Iterator[str]:
    texts = islice(tasks.of(run.recipe()).test_texts(run), _LOOKED_AT)
    lines = (line.strip() for text in texts for line in text.split("\n"))
    return islice((line for line in lines if _SHORTEST <= len(line) <= _LONGEST), _TRIED)


def _layers(attention: AttentionMap) -> Iterator[Weights]:
    """The mean over all heads, and of a short text that of each layer; a position is named by what it predicts, where
    it does."""
    predicts = attention.predicted and all(attention.predicted)
    queries, keys = shown(attention.predicted if predicts else attention.queries), shown(attention.keys)
    short = max(len(queries), len(keys)) <= _MOST_BY_LAYER
    for layer in (None, *range(1, len(attention.layers) + 1 if short else 1)):
        name = f"{KINDS[attention.kind]}, {f'layer {layer}' if layer else 'all layers'}, mean of the heads"
        yield Weights(name, queries, keys, attention.weights(layer).tolist())
