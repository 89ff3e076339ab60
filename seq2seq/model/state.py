"""Decoding state as a value: made by `start`, passed to `step`, dropped by the caller. No cache lives in a module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class KeyValue(NamedTuple):
    """Projected keys and values, each (B, H, S, D)."""

    key: Tensor
    value: Tensor


class Cache:
    """The keys and values of one layer's earlier positions, (N, H, t, D) each; empty at first."""

    def __init__(self) -> None:
        self._stored: KeyValue | None = None

    @property
    def length(self) -> int:
        """Positions held."""
        return 0 if self._stored is None else self._stored.key.size(2)

    def append(self, key: Tensor, value: Tensor) -> KeyValue:
        """Add positions; returns all keys and values so far."""
        if self._stored is not None:
            key = torch.cat((self._stored.key, key), dim=2)
            value = torch.cat((self._stored.value, value), dim=2)
        self._stored = KeyValue(key, value)
        return self._stored

    def select(self, rows: Tensor) -> None:
        """Keep the given rows, in the given order (a row may come twice)."""
        if self._stored is not None:
            self._stored = KeyValue(self._stored.key[rows], self._stored.value[rows])


@dataclass
class State:
    """All that the next step needs: N hypotheses (rows) over B sentences, N a multiple of B, rows of a sentence
    adjacent."""

    caches: list[Cache]
    memories: list[KeyValue]
    memory_mask: Tensor | None  # (B, 1, 1, S), True = may attend
    length: int = 0
    history: Tensor | None = None  # tokens (N, t) of a decoder-only model, which reads them anew past its context

    def reorder(self, rows: Tensor, sentences: Tensor | None = None) -> None:
        """Keep hypotheses `rows` (N'), and memories `sentences` (B') where sentences left the batch."""
        for cache in self.caches:
            cache.select(rows)
        if self.history is not None:
            self.history = self.history[rows]
        if sentences is not None:
            self.memories = [KeyValue(key[sentences], value[sentences]) for key, value in self.memories]
            if self.memory_mask is not None:
                self.memory_mask = self.memory_mask[sentences]
