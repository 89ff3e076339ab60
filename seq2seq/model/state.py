"""Decoding state as a value: made by `start`, passed to `step`, dropped by the caller. No cache lives in a module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

_SPARE = 7  # free positions at least after a cache has grown


class KeyValue(NamedTuple):
    """Projected keys and values, each (B, H, S, D)."""

    key: Tensor
    value: Tensor


class Cache:
    """The keys and values of one layer's earlier positions, (N, H, t, D) each; empty at first.

    Spare capacity makes copies rare. On a CPU bfloat16 is stored as float32, since products of one query with many keys
    are several times as slow in it.
    """

    def __init__(self) -> None:
        self.length = 0  # positions held
        self._buffer: Tensor | None = None  # (2, N, H, capacity, D)

    def append(self, key: Tensor, value: Tensor) -> KeyValue:
        """Add positions; returns all keys and values so far, views that the next call may replace."""
        start, count = self.length, key.size(2)
        self.length += count
        if self._buffer is None or self.length > self._buffer.size(3):
            self._buffer = self._grown(key, start)
        added = self._buffer.narrow(3, start, count)
        added.select(0, 0).copy_(key)
        added.select(0, 1).copy_(value)
        return KeyValue(*self._buffer.narrow(3, 0, self.length).unbind())

    def _grown(self, like: Tensor, held: int) -> Tensor:
        N, H, _, D = like.shape
        slow = like.device.type == "cpu" and like.dtype == torch.bfloat16
        size = (2, N, H, self.length + max(_SPARE, self.length // 4), D)
        larger = like.new_empty(size, dtype=torch.float32 if slow else like.dtype)
        if self._buffer is not None:
            larger.narrow(3, 0, held).copy_(self._buffer.narrow(3, 0, held))
        return larger

    @torch.no_grad()
    def select(self, rows: Tensor) -> None:
        """Keep the given rows, in the given order (a row may come twice), without gradients.

        Capacity is left for one position only: with more, attention would read scattered memory, twice as slowly.
        """
        if self._buffer is not None:
            _, N, H, _, D = self._buffer.shape
            chosen = self._buffer.new_empty(2, len(rows), H, self.length + 1, D)
            held = slice(self.length * D)  # rows as contiguous numbers, which are copied quickly
            torch.index_select(self._buffer.view(2, N, H, -1)[..., held], 1, rows, out=chosen.flatten(3)[..., held])
            self._buffer = chosen


class History:
    """The tokens (N, t) that a state has read, in the pieces as they were added, so that adding copies nothing."""

    def __init__(self, pieces: list[Tensor] | None = None) -> None:
        self._pieces = pieces or []

    def append(self, tokens: Tensor) -> None:
        """Add tokens (N, T)."""
        self._pieces.append(tokens)

    def newest(self, count: int) -> Tensor:
        """The last `count` tokens, or all where there are fewer, (N, at most count); older ones are dropped."""
        self._pieces = [torch.cat(self._pieces, dim=1)[:, -count:]]
        return self._pieces[0]

    def select(self, rows: Tensor) -> None:
        """Keep the given rows, in the given order."""
        if self._pieces:
            self._pieces = [torch.cat(self._pieces, dim=1).index_select(0, rows)]


@dataclass
class State:
    """All that the next step needs: N hypotheses over B sentences, those of a sentence in N/B adjacent rows."""

    caches: list[Cache]
    memories: list[KeyValue]
    memory_mask: Tensor | None  # (B, 1, 1, S), True = may attend
    length: int = 0
    history: History | None = None  # of a decoder-only model, which re-reads its last tokens past its context
    layers: Sequence[Callable[[Tensor, Cache], Tensor]] = ()  # its layers, as functions of one position (N, C)

    def reorder(self, rows: Tensor, sentences: Tensor | None = None) -> None:
        """Keep hypotheses `rows` (N'), and memories `sentences` (B') where sentences have left the batch."""
        for cache in self.caches:
            cache.select(rows)
        if self.history is not None:
            self.history.select(rows)
        if sentences is not None:
            self.memories = [
                KeyValue(key.index_select(0, sentences), value.index_select(0, sentences))
                for key, value in self.memories
            ]
            if self.memory_mask is not None:
                self.memory_mask = self.memory_mask.index_select(0, sentences)
