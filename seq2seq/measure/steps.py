"""Steps and their times, for all measurements: one timer; updates of the training loop on given batches; a recipe's
model with random weights on random batches."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat
from statistics import median
from typing import Any

import torch

from seq2seq import tasks
from seq2seq.data.batches import Batch, Place
from seq2seq.device import Numerics, wait
from seq2seq.recipe import Recipe
from seq2seq.tasks import models
from seq2seq.tasks.workload import guessed_vocabulary
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
class SizeTiming:
    """The timing of one size."""

    size: int  # places of a training batch, as training.batch_tokens counts them; or texts decoded at once
    tokens: int  # predicted by a step
    timing: Timing

    @property
    def tokens_per_second(self) -> float:
        """Predicted tokens."""
        return self.tokens / self.timing.median


@dataclass(frozen=True)
class Stopwatch:
    """Times a step repeatedly, for `seconds` or until it has `most` timings; the first steps do not count where there
    is time for more."""

    seconds: float = 0.0
    most: int = 30
    clock: Callable[[], float] = field(default_factory=lambda: time.perf_counter)

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
    step: Callable[[int], object], sizes: Sequence[int], seconds: float, device: torch.device
) -> list[tuple[int, float]]:
    """Sizes, smallest first, and the seconds that a step of each takes; those that would take longer, in proportion,
    than is left of `seconds` are left out, except the first, whose second step is timed."""
    end = time.perf_counter() + seconds
    step(sizes[0])
    timed: list[tuple[int, float]] = []
    for size in sizes:
        if timed and timed[-1][1] * size / timed[-1][0] > end - time.perf_counter():
            break
        timed.append((size, Stopwatch().time(partial(step, size), partial(wait, device)).median))
    return timed


def updates(
    recipe: Recipe,
    model: models.TransformerOrGpt,
    objective: Objective,
    numerics: Numerics,
    optimiser: torch.optim.Optimizer | None = None,
) -> Callable[..., Progress]:
    """Updates of the training loop, each on the batches given to it, as many as the recipe accumulates."""
    given: deque[Batch] = deque()
    taken = ((Place(), given.popleft()) for _ in repeat(None))
    optimiser = optimiser or optimisers.for_recipe(recipe, model)
    progress = train(
        list(model.parameters()),
        optimiser,
        schedule.for_recipe(recipe),
        taken,
        objective,
        numerics,
        accumulate=recipe.training.accumulate,
        clip_norm=recipe.training.clip_norm,
    )

    def update(*batches: Batch) -> Progress:
        given.extend(batches)
        return next(progress)

    return update


def one_batch(recipe: Recipe) -> Recipe:
    """The recipe without gradient accumulation."""
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"accumulate": 1})})


def random_model(recipe: Recipe) -> models.TransformerOrGpt:
    """A recipe's model on the CPU, with random weights and a vocabulary about as large as the recipe's."""
    model: models.TransformerOrGpt = tasks.of(recipe).workload().model(guessed_vocabulary(recipe.tokenizer))
    return model


class ModelSteps:
    """A recipe's model on a device. A training step is the recipe's, without gradient accumulation."""

    def __init__(self, recipe: Recipe, numerics: Numerics) -> None:
        self.recipe = one_batch(recipe)
        self.numerics = numerics
        self.workload = tasks.of(recipe).workload()
        self.model = random_model(recipe).to(numerics.device)
        self.objective = self.workload.objective(self.model, numerics)
        self.parameters = sum(parameter.numel() for parameter in self.model.parameters())
        self._wait = partial(wait, numerics.device)
        self._optimiser = optimisers.for_recipe(recipe, self.model)

    def updates(self) -> Callable[[Batch], None]:
        """Updates on whole batches, with the current number of torch threads. They raise RuntimeError, as torch does,
        where memory runs out."""
        update = updates(self.recipe, self.model, self.objective, self.numerics, self._optimiser)

        def whole(batch: Batch) -> None:
            if update(batch).pieces > 1:
                raise torch.OutOfMemoryError(f"out of memory: a batch of {batch.padded:,} places had to be cut")

        return whole

    def training(self, batch_tokens: int, stopwatch: Stopwatch) -> SizeTiming:
        """Forward, backward, clipping, update. Raises RuntimeError where memory runs out."""
        batch = self.workload.batch(batch_tokens)
        timing = stopwatch.time(partial(self.updates(), batch), self._wait)
        return SizeTiming(batch.labels.numel(), batch.tokens, timing)

    def decoding(self, texts: int, stopwatch: Stopwatch) -> SizeTiming:
        """One token of each text, chosen greedily from cached keys and values; turns dropout off."""
        row = self.workload.batch(1).to(self.numerics.device)
        inputs: Any = [None if part is None else part.repeat_interleave(texts, 0) for part in row.inputs]
        self.model.eval()
        with torch.inference_mode(), self.numerics.context():
            state, following = self.model.begin_decoding(*inputs)
            last = following[:, :1]

            def step() -> None:
                nonlocal last
                last = self.model.step(last, state)[:, -1].argmax(-1, keepdim=True)

            return SizeTiming(texts, texts, stopwatch.time(step, self._wait))
