"""Batches of shuffled records, chunk by chunk: pure functions of (seed, place)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.batches import Batch, Place, Source
from seq2seq.data.order import Shuffled


class ChunkedBatches(Source):
    """The endless sequence of training batches over `count` records in a shuffled order, `chunk` by chunk."""

    def __init__(self, count: int, seed: int) -> None:
        self._order = Shuffled(count, seed)

    def stream(self, start: Place = Place()) -> Iterator[tuple[Place, Batch]]:  # noqa: B008 (immutable)
        """Endless batches with their places, from a place on."""
        epoch, first, skipped = start
        while True:
            for number, indices in enumerate(self._order.chunks(epoch, first), start=first):
                for index, batch in enumerate(self.chunk(indices, epoch, number, skipped), start=skipped):
                    yield Place(epoch, number, index), batch
                skipped = 0
            epoch, first = epoch + 1, 0

    @abstractmethod
    def chunk(self, indices: NDArray[np.uint32], epoch: int, number: int, skipped: int) -> Iterator[Batch]:
        """The batches of a chunk of records but for the first `skipped`; the same whenever it is called."""
