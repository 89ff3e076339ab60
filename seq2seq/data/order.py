"""In which order the pairs of an encoded text are trained on: endless, a pure function of (seed, epoch, chunk)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

# Pairs shuffled, sorted and cut together: enough for little padding, few enough to be prepared quickly.
CHUNK = 100_000


class Order(Protocol):
    """The pairs of each epoch, by index, in chunks that are sorted and cut into batches together."""

    def chunks(self, epoch: int, first: int = 0) -> Iterator[NDArray[np.uint32]]:
        """The chunks of an epoch, from one on."""


class Shuffled(Order):
    """Every pair once an epoch."""

    def __init__(self, size: int, seed: int, chunk: int = CHUNK) -> None:
        self._size, self._seed, self._chunk = size, seed, chunk

    def chunks(self, epoch: int, first: int = 0) -> Iterator[NDArray[np.uint32]]:
        """As `Order`."""
        order = _shuffled(self._size, self._seed, epoch)
        for start in range(first * self._chunk, self._size, self._chunk):
            yield order[start : start + self._chunk]


class Mixed(Order):
    """Several corpora, each by its share of every chunk, and with epochs of its own: a small one is repeated while a
    large one goes on. An epoch is as many pairs as there are in all."""

    def __init__(self, sizes: Sequence[int], shares: Sequence[float], seed: int, chunk: int = CHUNK) -> None:
        self._sizes, self._shares, self._seed = sizes, shares, seed
        self._firsts = [0, *accumulate(sizes)]  # index of the first pair of each corpus
        self._chunk = min(chunk, sum(sizes))
        self._per_epoch = -(-sum(sizes) // self._chunk)

    def chunks(self, epoch: int, first: int = 0) -> Iterator[NDArray[np.uint32]]:
        """As `Order`."""
        for number in range(epoch * self._per_epoch + first, (epoch + 1) * self._per_epoch):
            yield np.concatenate([self._part(corpus, number) for corpus in range(len(self._sizes))])

    def _part(self, corpus: int, number: int) -> NDArray[np.uint32]:
        """The pairs of a corpus in chunk `number`, counted over all epochs."""
        size = self._sizes[corpus]
        place, end = (round(chunks * self._chunk * self._shares[corpus]) for chunks in (number, number + 1))
        parts = [np.empty(0, np.uint32)]
        while place < end:
            own_epoch, start = divmod(place, size)
            taken = min(size - start, end - place)
            order = _shuffled(size, (self._seed, corpus), own_epoch)
            parts.append(order[start : start + taken] + np.uint32(self._firsts[corpus]))
            place += taken
        return np.concatenate(parts)


def _shuffled(size: int, seed: int | tuple[int, int], epoch: int) -> NDArray[np.uint32]:
    order = np.arange(size, dtype=np.uint32)  # half the memory of a permutation of int64
    np.random.default_rng((*(seed if isinstance(seed, tuple) else (seed,)), epoch)).shuffle(order)
    return order
