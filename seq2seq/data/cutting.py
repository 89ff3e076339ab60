"""A budget of padded tokens: sentences x longest side, EOS counted. No torch here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def cut(longest: NDArray[Any], batch_tokens: int) -> list[tuple[int, int]]:
    """Cut pairs, sorted by longer side (in tokens without EOS), into batches of the budget: [start, end) of each."""
    bounds = []
    start = 0
    while start < len(longest):
        most = min(max(1, batch_tokens // (int(longest[start]) + 1)), len(longest) - start)
        sizes = np.arange(1, most + 1) * (longest[start : start + most].astype(np.int64) + 1)
        end = start + max(1, int(np.searchsorted(sizes, batch_tokens, side="right")))
        bounds.append((start, end))
        start = end
    return bounds
