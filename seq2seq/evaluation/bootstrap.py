"""Bootstrap resampling (Koehn, 2004): the interval of a figure, and how often chance alone makes a difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLES = 1000
SEED = 12345  # sacreBLEU's


def resampled(values: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum of values per sum of sizes, of (SAMPLES,) resamples of the parts (N,) that both are of."""
    drawn = np.random.default_rng(SEED).integers(len(sizes), size=(SAMPLES, len(sizes)))
    return np.asarray(values[drawn].sum(1) / sizes[drawn].sum(1))


def interval(figures: NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % interval of a resampled figure."""
    low, high = np.percentile(figures, (2.5, 97.5))
    return float(low), float(high)


def two_sided_p_value(differences: NDArray[np.float64]) -> float:
    """How often chance alone makes such a difference, from the resampled differences of two systems."""
    tail = min((differences <= 0).sum(), (differences >= 0).sum())
    return float(min(1.0, 2 * (tail + 1) / (len(differences) + 1)))
