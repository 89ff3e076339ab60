"""The ratio of the lengths of the two sides of pairs, for an audit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seq2seq.data.audit import Tally
from seq2seq.data.findings import Place
from seq2seq.data.pairs import Pair, PairKind

_STEPS = 64  # steps per doubling in which ratios are counted: percentiles are exact to about 1 %


@dataclass(frozen=True)
class Ratio:
    """Characters of the target over characters of the source, over pairs without a blank side: median, 1 % and 99 %."""

    median: float
    low: float
    high: float


class PairTally(Tally[Pair]):
    """Counts of one split of pairs."""

    def __init__(self, kind: PairKind) -> None:
        super().__init__(kind)
        self._ratios: Counter[int] = Counter()

    def look(self, place: Place, record: Pair, shown: Sequence[str]) -> None:
        """Compare the lengths of the sides too."""
        super().look(place, record, shown)
        source, target = shown
        self._ratios[round(math.log2(len(target) / len(source)) * _STEPS)] += 1

    def figures(self) -> dict[str, Any]:
        """The ratio of lengths; None where every pair has a blank side."""
        if not self._ratios:
            return {"ratio": None}
        steps = sorted(self._ratios)
        reached = np.cumsum([self._ratios[step] for step in steps])
        low, median, high = (
            2 ** (steps[int(np.searchsorted(reached, share * reached[-1]))] / _STEPS) for share in (0.01, 0.5, 0.99)
        )
        return {"ratio": Ratio(median, low, high)}
