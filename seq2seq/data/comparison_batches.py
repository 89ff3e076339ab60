"""Comparisons as batches: both sides of one are a row, between which alone a batch may be cut.

Shapes: B comparisons, 2 sides, the chosen one first, T labels of a side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seq2seq.data.batches import Batch, ChunkedBatches, Layout
from seq2seq.data.cutting import cut
from seq2seq.data.order import Shuffled


class EncodedComparison(NamedTuple):
    """The tokens of a comparison, without BOS and EOS."""

    prompt: Sequence[int]
    chosen: Sequence[int]
    rejected: Sequence[int]

    @property
    def pairs(self) -> list[tuple[Sequence[int], Sequence[int]]]:
        """The prompt with each side."""
        return [(self.prompt, self.chosen), (self.prompt, self.rejected)]


class ComparisonBatches(ChunkedBatches):
    """The endless sequence of training batches: each chunk of a shuffled epoch is sorted by length, cut by a budget of
    padded tokens, and its batches shuffled. `references` (N, 2), once they are set, go with the comparisons."""

    ahead = False  # until an objective was made there are no references

    def __init__(
        self, comparisons: Sequence[EncodedComparison], layout: Layout, *, batch_tokens: int, seed: int
    ) -> None:
        super().__init__(Shuffled(len(comparisons), seed), batch_tokens=batch_tokens, seed=seed)
        self.references: Tensor | None = None
        self._comparisons = comparisons
        self._longest = longest_side(layout, comparisons)
        self._layout = layout

    def chunk(self, indices: NDArray[np.uint32], epoch: int, number: int, skipped: int) -> Iterator[Batch]:
        """The batches of a chunk but for the first `skipped`."""
        order = indices[np.argsort(self._longest[indices], kind="stable")]
        bounds = cut(self._longest[order], self._batch_tokens // 2)
        np.random.default_rng((self._seed, epoch, number)).shuffle(bounds)
        for start, end in bounds[skipped:]:
            rows = order[start:end].astype(np.int64)
            yield collate(
                self._layout,
                [self._comparisons[row] for row in rows],
                None if self.references is None else self.references[torch.from_numpy(rows)],
            )


def longest_side(layout: Layout, comparisons: Sequence[EncodedComparison]) -> NDArray[np.int64]:
    """The tokens, but for one, of the longer of the two sequences of each comparison, (N,)."""
    lengths = [(len(prompt), len(side)) for each in comparisons for prompt, side in each.pairs]
    longest: NDArray[np.int64] = layout.longest(np.array(lengths, np.int64).reshape(-1, 2)).reshape(-1, 2).max(axis=1)
    return longest


def fixed_batches(
    layout: Layout, comparisons: Sequence[EncodedComparison], batch_tokens: int
) -> Iterator[tuple[NDArray[np.int64], Batch]]:
    """All comparisons, sorted by length, each batch with their numbers."""
    longest = longest_side(layout, comparisons)
    order = np.argsort(longest, kind="stable")
    for start, end in cut(longest[order], batch_tokens // 2):
        rows = order[start:end]
        yield rows, collate(layout, [comparisons[row] for row in rows])


def measured(
    measure: Callable[[Batch], Tensor], layout: Layout, comparisons: Sequence[EncodedComparison], batch_tokens: int
) -> Tensor:
    """A number for each side (B, 2) of the comparisons of a batch -> of all comparisons, (N, 2), on the CPU."""
    numbers = torch.zeros(len(comparisons), 2)
    with torch.no_grad():
        for rows, batch in fixed_batches(layout, comparisons, batch_tokens):
            numbers[torch.from_numpy(rows)] = measure(batch).float().cpu()
    return numbers


def collate(layout: Layout, comparisons: Sequence[EncodedComparison], references: Tensor | None = None) -> Batch:
    """Comparisons as a batch whose labels (B,) say which side was chosen, always the first; the labels and the mask
    of the tokens are extras, (B, 2, T), as are the references (B, 2)."""
    rows = [pair for each in comparisons for pair in each.pairs]
    batch = layout.collate([prompt for prompt, _ in rows], [side for _, side in rows])
    mask = torch.ones_like(batch.labels, dtype=torch.bool) if batch.mask is None else batch.mask
    return Batch(
        tuple(None if part is None else paired(part) for part in batch.inputs),
        torch.zeros(len(comparisons), dtype=torch.long),
        tokens=len(comparisons),
        padded=batch.padded,
        filled=batch.filled,
        extras={
            "labels": paired(batch.labels),
            "mask": paired(mask),
            **({} if references is None else {"references": references}),
        },
    )


def paired(rows: Tensor) -> Tensor:
    """Rows (2 B, ...), of which each two are the sides of a comparison -> (B, 2, ...)."""
    return rows.reshape(-1, 2, *rows.shape[1:])


def sides(batch: Batch) -> Batch:
    """The two sides of each comparison of a batch as rows of one of token labels, (2 B, T)."""
    return replace(
        batch,
        inputs=tuple(None if part is None else part.flatten(0, 1) for part in batch.inputs),
        labels=batch.extras["labels"].flatten(0, 1),
        mask=batch.extras["mask"].flatten(0, 1),
        extras={},
    )
