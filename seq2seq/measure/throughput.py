"""Speed of training a recipe and translating with a run: medians and spread over rounds, after a warm-up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from statistics import median
from typing import Any

import torch

from seq2seq import tasks
from seq2seq.data.batches import Batch, Place
from seq2seq.data.corpus import Corpus
from seq2seq.decoding.translation.translate import TextTranslator
from seq2seq.device import Choice, Numerics, large_products, wait
from seq2seq.errors import RunError
from seq2seq.measure.phases import PHASES, Watched
from seq2seq.measure.steps import Spread, Stopwatch, random_model, rounds, updates
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.tasks import models, preparation

_ROUNDS = 10
_WARM_UP = 3  # updates
_LEAST = 16  # lines in a round of translating
_PEAK_SHARE = 0.15  # of the time, for the matrix products that an update is compared with
_SIZES = {"cpu": (512, 1024, 2048)}  # of square matrices
_SIZES_ELSEWHERE = (4096, 8192)
_PASSES = 3  # forward, backward for the inputs, backward for the weights


@dataclass(frozen=True)
class TrainingThroughput:
    """Training, in rounds of several updates. Tokens do not count padding; FLOPs are those of matrix products."""

    text: str
    parameters: int
    updates: int
    target_tokens_per_second: Spread
    tokens_per_second: Spread  # of all inputs
    padding: float  # share of the places
    parts: dict[str, float]  # seconds of an update, by phase: the median of the rounds
    flops_per_second: Spread
    peak_flops_per_second: Spread  # of square products alone, measured between the rounds
    peak_size: int
    peak_share: float


@dataclass(frozen=True)
class TranslationThroughput:
    """Translating with an engine."""

    engine: str  # with its precision and device
    lines: int  # per round
    lines_per_second: Spread
    tokens_per_second: Spread  # of the outputs, EOS included
    first_answer_seconds: Spread  # one line alone


def training(
    recipe: Recipe, corpus: Corpus[Any] | None, device: Choice, seconds: float, run: Run | None = None
) -> TrainingThroughput:
    """Train for `seconds` on the beginning of a corpus, or on random tokens where there is none, and discard the
    result. The tokenizers are those of `run`, or trained for this."""
    with tempfile.TemporaryDirectory(prefix="seqx-", ignore_cleanup_errors=True) as scratch:
        text, model, batches = _sample(recipe, corpus, device, Run(Path(scratch) / "run"), run)
        model = model.to(device.numerics.device)
        measured = _measured(recipe, model, batches, device.numerics)
        peak = PeakFlops(device.numerics)
        peak.measure(0.0)
        for _ in range(_WARM_UP):
            next(measured)
        done = []
        for _ in rounds(seconds, most=_ROUNDS):
            done.append(_round(measured, (1 - _PEAK_SHARE) * seconds / _ROUNDS))
            peak.measure(_PEAK_SHARE * seconds / _ROUNDS)
    count, filled, padded = (sum(each[name] for each in done) for name in ("updates", "filled", "padded"))
    speeds = {
        name: Spread.of([each[name] / each["seconds"] for each in done]) for name in ("tokens", "filled", "flops")
    }
    size, best = peak.best()
    return TrainingThroughput(
        text=text,
        parameters=sum(weight.numel() for weight in model.parameters()),
        updates=int(count),
        target_tokens_per_second=speeds["tokens"],
        tokens_per_second=speeds["filled"],
        padding=1 - filled / padded,
        parts={phase: median(each[phase] / each["updates"] for each in done) for phase in PHASES},
        flops_per_second=speeds["flops"],
        peak_flops_per_second=best,
        peak_size=size,
        peak_share=speeds["flops"].median / best.median,
    )


def translating(engine: str, translator: TextTranslator, lines: Sequence[str], seconds: float) -> TranslationThroughput:
    """Translate as many of the lines as each of several rounds has time for, then one line at a time.

    Raises RunError where there is no line.
    """
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise RunError("no line to translate: the run's test set is empty")

    def timed(some: Sequence[str]) -> tuple[float, int]:
        start = time.perf_counter()
        translations = translator.translate(some)
        return time.perf_counter() - start, sum(len(each.outputs[0].pieces) for each in translations)

    few = lines[:_LEAST]
    translator.translate(few)
    each = timed(few)[0] / len(few)
    most = lines[: max(_LEAST, int(0.8 * seconds / _ROUNDS / each))]
    whole = [timed(most) for _ in rounds(0.8 * seconds, most=_ROUNDS)]
    alone = [timed([line])[0] for _, line in zip(rounds(0.2 * seconds, most=len(lines)), lines)]
    return TranslationThroughput(
        engine,
        len(most),
        Spread.of([len(most) / taken for taken, _ in whole]),
        Spread.of([tokens / taken for taken, tokens in whole]),
        Spread.of(alone),
    )


def loading(command: Sequence[str], seconds: float) -> Spread:
    """Seconds from a command's start to its end, repeatedly; the first run does not count, since it warms the disk
    cache.

    Raises RunError where the command fails.
    """
    # So that it finds the same modules as this process in any working directory.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    taken = []
    for _ in rounds(seconds, most=_ROUNDS + 1, least=2):
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, env=environment)
        if done.returncode:
            message = done.stderr.decode("utf-8", "replace").strip()
            raise RunError(f"{' '.join(command)} ended with {done.returncode}: {message}")
        taken.append(time.perf_counter() - start)
    return Spread.of(taken[1:])


def update_flops(model: models.TransformerOrGpt, batch: Batch) -> float:
    """FLOPs of the matrix products that a batch's forward and backward passes need; see the model's
    `forward_flops`."""
    counted = torch.ones_like(batch.labels, dtype=torch.bool) if batch.mask is None else batch.mask
    inputs: Any = batch.inputs
    return _PASSES * model.forward_flops(*inputs, counted=counted)


class PeakFlops:
    """Products of square matrices alone, at the precision of training: the peak that an update is compared with."""

    def __init__(self, numerics: Numerics, sizes: Sequence[int] = ()) -> None:
        self._wait = partial(wait, numerics.device)
        kind = numerics.autocast or torch.float32
        sizes = sizes or _SIZES.get(numerics.device.type, _SIZES_ELSEWHERE)
        self._matrices = [torch.randn(size, size, device=numerics.device).to(kind) for size in sizes]
        self._speeds: dict[int, list[float]] = {size: [] for size in sizes}

    def measure(self, seconds: float) -> None:
        """One round of every size."""
        stopwatch = Stopwatch(seconds / len(self._matrices), most=5)
        for matrix in self._matrices:
            with large_products():
                timing = stopwatch.time(partial(torch.mm, matrix, matrix), self._wait)
            self._speeds[len(matrix)].append(2 * len(matrix) ** 3 / timing.median)

    def best(self) -> tuple[int, Spread]:
        """The matrix size with the highest median FLOP/s, and its FLOP/s over the rounds."""
        spreads = {size: Spread.of(speeds) for size, speeds in self._speeds.items()}
        return max(spreads.items(), key=lambda item: item[1].median)


def _sample(
    recipe: Recipe, corpus: Corpus[Any] | None, device: Choice, scratch: Run, run: Run | None
) -> tuple[str, models.TransformerOrGpt, Iterator[tuple[Place, Batch]]]:
    """A description of the text, a new model, and batches without end."""
    task = tasks.of(recipe)
    kind = task.workload()
    if corpus is None:
        batch = kind.batch(recipe.training.batch_tokens)
        return "random tokens", random_model(recipe), repeat((Place(), batch))
    whole = corpus.train[0]
    beginning: Any = kind.beginning(whole, kind.beginning_size)
    text = f"{whole.origin}, first {kind.size(beginning):,} {kind.unit}"
    corpus = replace(corpus, train=(beginning,), dev=kind.beginning(corpus.dev, kind.beginning_size))
    scratch.path.mkdir()
    for path in run.path.glob("tokenizer*") if run else ():
        shutil.copy(path, scratch.path)
    prepared = preparation.prepare(task, corpus, scratch, device, lambda message: None)
    model: Any = task.model(prepared.tokenizers)
    return text, model, prepared.training.source.stream(Place())


def _measured(
    recipe: Recipe, model: models.TransformerOrGpt, batches: Iterator[tuple[Place, Batch]], numerics: Numerics
) -> Iterator[dict[str, float]]:
    """Of each update, without end: seconds per phase and in total, tokens, places and FLOPs."""
    watched = Watched(model, partial(wait, numerics.device))
    update = updates(recipe, model, tasks.of(recipe).workload().objective(watched, numerics), numerics)
    while True:
        watched.start()
        taken = [batch for _, batch in islice(batches, recipe.training.accumulate)]
        progress = update(*taken)
        phases = watched.seconds()
        flops = sum(update_flops(model, batch) for batch in taken)
        counts = {"updates": 1, "tokens": progress.tokens, "filled": progress.filled, "padded": progress.padded}
        yield {**phases, "seconds": sum(phases.values()), "flops": flops, **counts}


def _round(measured: Iterator[dict[str, float]], seconds: float) -> dict[str, float]:
    """The sums over updates for at least `seconds`, one or more."""
    figures = next(measured)
    while figures["seconds"] < seconds:
        more = next(measured)
        figures = {name: value + more[name] for name, value in figures.items()}
    return figures
