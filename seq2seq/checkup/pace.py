"""How fast this machine trains a recipe and translates with a run: medians and spread over rounds, after a warm-up."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

from seq2seq import device, recipe
from seq2seq.checkup.parts import PARTS, Watch, Watched
from seq2seq.checkup.sample import sample
from seq2seq.checkup.timing import Spread, spread
from seq2seq.checkup.work import Peak, of_update
from seq2seq.data.batches import Batch, Place
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.translation.translate import Translator
from seq2seq.device import Choice
from seq2seq.errors import RunError
from seq2seq.tasks import models
from seq2seq.training import objective, optimisers, schedule
from seq2seq.training.loop import Progress, train

_ROUNDS = 10
_WARM_UP = 3  # updates
_LEAST = 16  # lines, of which a round of translating has so many
_PEAK_SHARE = 0.15  # of the time, for the products that an update is measured against


@dataclass(frozen=True)
class Training:
    """Training, in rounds of several updates. Tokens do not count padding; FLOPs are those of matrix products."""

    text: str
    parameters: int
    updates: int
    target_tokens_per_second: Spread
    tokens_per_second: Spread  # of all inputs
    padding: float  # share of the places
    parts: dict[str, float]  # seconds of an update, the median of each part
    flops_per_second: Spread
    peak_flops_per_second: Spread  # of square products alone, measured between the rounds
    peak_size: int
    peak_share: float


@dataclass(frozen=True)
class Translating:
    """An engine at work."""

    engine: str  # with its precision and device
    lines: int  # of a round
    lines_per_second: Spread
    tokens_per_second: Spread  # of the outputs, their ends counted
    first_answer_seconds: Spread  # one line alone


@dataclass(frozen=True)
class _Update:
    seconds: float
    flops: float
    progress: Progress
    parts: dict[str, float]


def training(wanted: recipe.Recipe, choice: Choice, seconds: float, both: Tokenizers | None = None) -> Training:
    """Train on the beginning of the recipe's text, for so long, and keep nothing."""
    with tempfile.TemporaryDirectory(prefix="seqx-", ignore_cleanup_errors=True) as scratch:
        found = sample(wanted, Path(scratch), both)
        model = models.model(wanted, *found.vocabularies).to(choice.numerics.device)
        updates = _updates(wanted, model, found.batches, choice)
        peak = Peak(choice.numerics)
        peak.measure(0.0)
        for _ in islice(updates, _WARM_UP):
            pass
        rounds: list[list[_Update]] = []
        end = time.perf_counter() + seconds
        while not rounds or (len(rounds) < _ROUNDS and time.perf_counter() < end):
            rounds.append(list(_for(updates, (1 - _PEAK_SHARE) * seconds / _ROUNDS)))
            peak.measure(_PEAK_SHARE * seconds / _ROUNDS)
    return _summed(found.origin, sum(weight.numel() for weight in model.parameters()), rounds, peak)


def translating(engine: str, translator: Translator, lines: Sequence[str], seconds: float) -> Translating:
    """Translate as many of the lines as a few rounds have time for, again and again; then one at a time.

    Raises RunError where there is no line.
    """
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise RunError("no line to translate: the run's test set is empty")
    few = lines[:_LEAST]
    translator.translate(few)
    start = time.perf_counter()
    translator.translate(few)
    each = (time.perf_counter() - start) / len(few)
    most = list(lines[: max(_LEAST, int(0.8 * seconds / _ROUNDS / each))])
    speeds, tokens = [], []
    for _ in _while(0.8 * seconds, most=_ROUNDS):
        start = time.perf_counter()
        done = translator.translate(most)
        taken = time.perf_counter() - start
        speeds.append(len(most) / taken)
        tokens.append(sum(len(translation.outputs[0].pieces) for translation in done) / taken)
    alone = []
    for _, line in zip(_while(0.2 * seconds, most=len(lines)), lines):
        start = time.perf_counter()
        translator.translate([line])
        alone.append(time.perf_counter() - start)
    return Translating(engine, len(most), spread(speeds), spread(tokens), spread(alone))


def loading(command: Sequence[str], seconds: float) -> Spread:
    """Seconds from a command's start to its end, again and again; the first does not count, since it warms the disk.

    Raises RunError where the command fails.
    """
    # It finds the modules that this process has found, wherever it starts.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    taken = []
    for _ in _while(seconds, most=_ROUNDS + 1, least=2):
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, env=environment)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise RunError(f"{' '.join(command)} ended with {done.returncode}: {said}")
        taken.append(time.perf_counter() - start)
    return spread(taken[1:])


def _updates(
    wanted: recipe.Recipe, model: models.Model, batches: Iterator[tuple[Place, Batch]], choice: Choice
) -> Iterator[_Update]:
    """Updates of the training loop itself, each with its time by part."""
    numerics = choice.numerics
    watch = Watch(partial(device.wait, numerics.device))
    taken: list[Batch] = []

    def noted() -> Iterator[tuple[Place, Batch]]:
        for place, batch in batches:
            taken.append(batch)
            yield place, batch

    updates = train(
        list(model.parameters()),
        optimisers.for_recipe(wanted, model),
        schedule.for_recipe(wanted),
        noted(),
        objective.for_recipe(wanted, Watched(model, watch), numerics),
        numerics,
        accumulate=wanted.training.accumulate,
        clip_norm=wanted.training.clip_norm,
    )
    while True:
        watch.start()
        progress = next(updates)
        parts = watch.parts()
        flops = sum(of_update(model, batch) for batch in taken)
        taken.clear()
        yield _Update(sum(parts.values()), flops, progress, parts)


def _for(updates: Iterator[_Update], seconds: float) -> Iterator[_Update]:
    """Updates until they took so long together, one at least."""
    taken = 0.0
    while taken < seconds or not taken:
        update = next(updates)
        taken += update.seconds
        yield update


def _while(
    seconds: float, *, most: int, least: int = 1, clock: Callable[[], float] = time.perf_counter
) -> Iterator[int]:
    """Counts rounds, while there is time."""
    end = clock() + seconds
    for number in range(most):
        if number >= least and clock() > end:
            return
        yield number


def _summed(origin: str, parameters: int, rounds: Sequence[Sequence[_Update]], peak: Peak) -> Training:
    every = [update for each in rounds for update in each]
    seconds = [sum(update.seconds for update in each) for each in rounds]

    def speed(of: Callable[[_Update], float]) -> Spread:
        return spread([sum(map(of, each)) / taken for each, taken in zip(rounds, seconds)])

    size, best = peak.best()
    flops = speed(lambda update: update.flops)
    return Training(
        text=origin,
        parameters=parameters,
        updates=len(every),
        target_tokens_per_second=speed(lambda update: update.progress.tokens),
        tokens_per_second=speed(lambda update: update.progress.filled),
        padding=1 - sum(each.progress.filled for each in every) / sum(each.progress.padded for each in every),
        parts={part: median(update.parts[part] for update in every) for part in PARTS},
        flops_per_second=flops,
        peak_flops_per_second=best,
        peak_size=size,
        peak_share=flops.median / best.median,
    )
