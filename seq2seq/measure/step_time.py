"""Timing of steps: the one timer of all measurements, and updates of the real training loop on given batches."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import torch

from seq2seq.data.batches import Batch, Place
from seq2seq.device import Numerics
from seq2seq.recipe import Recipe
from seq2seq.tasks import models
from seq2seq.training import optimisers, schedule
from seq2seq.training.loop import Progress, train
from seq2seq.training.objective import Objective

_WARM_UP = 3  # steps that allocate, compile and fill caches


@dataclass(frozen=True)
class Timing:
    """Seconds of a step, over several."""

    median: float
    p90: float
    steps: int


@dataclass(frozen=True)
class Spread:
    """A figure over several rounds: the median and the 10th and 90th percentiles."""

    median: float
    p10: float
    p90: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of one or more values."""
        ordered = sorted(values)
        last = len(ordered) - 1
        return cls(median(ordered), ordered[int(0.1 * last)], ordered[math.ceil(0.9 * last)], len(ordered))


@dataclass(frozen=True)
class Stopwatch:
    """Times a step repeatedly, for `seconds` or until it has `most` timings; the first steps do not count where there
    is time for more."""

    seconds: float = 0.0
    most: int = 30
    clock: Callable[[], float] = time.perf_counter

    def time(self, step: Callable[[], object], wait: Callable[[], None] = lambda: None) -> Timing:
        """Time `step`; `wait` waits for the device to finish it."""
        taken: list[float] = []
        end = self.clock() + self.seconds
        while not taken or (len(taken) < self.most + _WARM_UP and self.clock() < end):
            wait()
            start = self.clock()
            step()
            wait()
            taken.append(self.clock() - start)
        counted = taken[min(_WARM_UP, len(taken) - 1) :]
        return Timing(median(counted), sorted(counted)[math.ceil(0.9 * len(counted)) - 1], len(counted))


def rounds(
    seconds: float, *, most: int, least: int = 1, clock: Callable[[], float] = time.perf_counter
) -> Iterator[int]:
    """Count rounds from 0 for `seconds`, `least` to `most` of them."""
    end = clock() + seconds
    for number in range(most):
        if number >= least and clock() > end:
            return
        yield number


def grow(
    step: Callable[[int], object], sizes: Sequence[int], seconds: float, wait: Callable[[], None] = lambda: None
) -> list[tuple[int, float]]:
    """Sizes, smallest first, and the seconds that a step of each takes; those that would take longer, in proportion,
    than is left of `seconds` are left out, except the first, whose second step is timed."""
    end = time.perf_counter() + seconds
    step(sizes[0])
    timed: list[tuple[int, float]] = []
    for size in sizes:
        if timed and timed[-1][1] * size / timed[-1][0] > end - time.perf_counter():
            break
        timed.append((size, Stopwatch().time(lambda: step(size), wait).median))  # noqa: B023 (called at once)
    return timed


class Updates:
    """Updates of the training loop on given batches."""

    def __init__(
        self,
        recipe: Recipe,
        model: models.Model,
        objective: Objective,
        numerics: Numerics,
        optimiser: torch.optim.Optimizer | None = None,
    ) -> None:
        self._given: deque[Batch] = deque()
        optimiser = optimiser or optimisers.for_recipe(recipe, model)
        self._updates = train(
            list(model.parameters()),
            optimiser,
            schedule.for_recipe(recipe),
            self._batches(),
            objective,
            numerics,
            accumulate=recipe.training.accumulate,
            clip_norm=recipe.training.clip_norm,
        )

    def __call__(self, *batches: Batch) -> Progress:
        """One update, on as many batches as the recipe accumulates."""
        self._given.extend(batches)
        return next(self._updates)

    def whole(self, batch: Batch) -> Progress:
        """One update, without cutting its batch. Raises RuntimeError, as torch does, where memory runs out."""
        progress = self(batch)
        if progress.pieces > 1:
            raise torch.OutOfMemoryError(f"out of memory: a batch of {batch.padded:,} places had to be cut")
        return progress

    def _batches(self) -> Iterator[tuple[Place, Batch]]:
        while True:
            yield Place(), self._given.popleft()


def one_batch(recipe: Recipe) -> Recipe:
    """The recipe without gradient accumulation."""
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"accumulate": 1})})
