"""FLOPs of matrix products: two for each weight and position, and those of attention.

L (B,): positions of each row of a batch. Padding, and what a causal mask hides, is not counted, however a model
computes.
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor


def of_weights(weights: Iterable[Tensor], lengths: Tensor) -> float:
    """Products with matrices: 2 · Σ L · their numbers."""
    return 2 * float(lengths.sum()) * sum(weight.numel() for weight in weights)


def of_attention(width: int, queries: Tensor, keys: Tensor) -> float:
    """Scores and weighted sums of one layer where every query sees every key: 4 · width · Σ L_queries · L_keys."""
    return 4 * width * float((queries * keys).sum())


def of_causal_attention(width: int, lengths: Tensor) -> float:
    """The same where position t sees t positions: 2 · width · Σ L · (L + 1)."""
    return 2 * width * float((lengths * (lengths + 1)).sum())


def lengths(counted: Tensor) -> Tensor:
    """Positions (B,) up to the last one of a row that counts; counted (B, T), bool. Nothing after it is needed."""
    return counted.flip(1).cumsum(1).clamp(max=1).sum(1).double()
