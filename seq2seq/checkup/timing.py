"""How long a step takes, and what its growth with the batch says."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

_WARM_UP = 3  # steps that allocate, compile and fill caches
_FLAT = 0.2  # a batch twice as large that takes less than this share longer costs next to nothing


@dataclass(frozen=True)
class Timing:
    """Seconds of a step, over several."""

    median: float
    p90: float
    steps: int


@dataclass(frozen=True)
class Spread:
    """A figure, over several rounds: the median, and the tenths below and above which few lie."""

    median: float
    p10: float
    p90: float
    rounds: int


def spread(values: Sequence[float]) -> Spread:
    """The spread of one value or more."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return Spread(median(ordered), ordered[int(0.1 * last)], ordered[math.ceil(0.9 * last)], len(ordered))


@dataclass(frozen=True)
class Comparison:
    """Two steps, timed in turn."""

    one: Timing
    other: Timing

    @property
    def gain(self) -> float:
        """Seconds that the other takes less than the one; 0 where they overlap too much to tell."""
        return max(0.0, self.one.median - self.other.median) if self.other.p90 < self.one.median else 0.0


@dataclass(frozen=True)
class Stopwatch:
    """Times a step again and again, for `seconds` or until it has `most` timings; the first steps do not count where
    there is time for others."""

    seconds: float
    most: int = 30
    clock: Callable[[], float] = time.perf_counter

    def time(
        self,
        step: Callable[[], object],
        *,
        wait: Callable[[], None] = lambda: None,
        before: Callable[[], object] = lambda: None,
    ) -> Timing:
        """Time `step`, which `wait` sees to its end; what `before` it takes is not counted."""
        (timing,) = self._time((step,), wait, before)
        return timing

    def compare(
        self, one: Callable[[], object], other: Callable[[], object], *, wait: Callable[[], None] = lambda: None
    ) -> Comparison:
        """Time two steps in turn, so that whatever else the machine does slows both."""
        return Comparison(*self._time((one, other), wait, lambda: None))

    def _time(
        self, steps: Sequence[Callable[[], object]], wait: Callable[[], None], before: Callable[[], object]
    ) -> list[Timing]:
        taken: list[list[float]] = [[] for _ in steps]
        end = self.clock() + self.seconds
        while not taken[0] or (len(taken[0]) < self.most + _WARM_UP and self.clock() < end):
            for step, each in zip(steps, taken):
                before()
                wait()
                start = self.clock()
                step()
                wait()
                each.append(self.clock() - start)
        return [_timing(each[min(_WARM_UP, len(each) - 1) :]) for each in taken]


def _timing(taken: Sequence[float]) -> Timing:
    return Timing(median(taken), sorted(taken)[math.ceil(0.9 * len(taken)) - 1], len(taken))


Curve = Sequence[tuple[int, float]]  # (tokens of a batch, seconds of a step), smallest first


def launch_bound_below(curve: Curve) -> int | None:
    """The size below which a larger batch costs next to nothing, so that starting operations is what takes the time;
    None where even the smallest batches are bound by their arithmetic."""
    reached = None
    for (small, fast), (large, slow) in pairwise(curve):
        if slow / fast - 1 > _FLAT * (large / small - 1):
            break
        reached = large
    return reached


def faster_from(curve: Curve, other: Curve) -> int | None:
    """The smallest size from which on a device is the faster, of those that both were timed at; None where it is not,
    even at the largest."""
    theirs = dict(other)
    first = None
    for size, seconds in reversed([(size, seconds) for size, seconds in curve if size in theirs]):
        if seconds >= theirs[size]:
            break
        first = size
    return first
