"""How well comparisons are told: the share that is told as it was labelled, with its interval, margin, calibration, and
what a rule that reads nothing achieves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.comparisons import Comparison
from seq2seq.evaluation.bootstrap import interval, resampled
from seq2seq.evaluation.classification import calibration


def summary(margins: NDArray[np.float64]) -> dict[str, float]:
    """Of margins (N,), by how much the chosen side is worth more: `accuracy`, `margin` (their mean), and `loss`, the
    negative log-likelihood of the labels."""
    return {
        "accuracy": float(right(margins).mean()),
        "margin": float(margins.mean()),
        "loss": float(np.logaddexp(0, -margins).mean()),
    }


def judge(comparisons: Sequence[Comparison], margins: NDArray[np.float64]) -> dict[str, Any]:
    """All figures of comparisons and their margins (N,), for run.json and --json."""
    told = right(margins)
    low, high = interval(resampled(told, np.ones(len(told), np.int64)))
    figures = summary(margins)
    return {
        "comparisons": len(comparisons),
        **figures,
        "accuracy": {"value": figures["accuracy"], "low": low, "high": high},
        "calibration": calibration(1 / (1 + np.exp(-np.abs(margins))), margins > 0),
        "longer": float(right(np.array([len(each.chosen) - len(each.rejected) for each in comparisons])).mean()),
    }


def right(margins: NDArray[Any]) -> NDArray[np.float64]:
    """Whether each comparison is told as it was labelled: 1 or 0, and half where both sides are worth the same."""
    return np.where(margins == 0, 0.5, margins > 0).astype(np.float64)


def flips(count: int, share: float, seed: int) -> NDArray[np.bool_]:
    """Which of some labels are flipped, (N,): about this share, by the seed alone."""
    return np.random.default_rng((seed, count)).random(count) < share
