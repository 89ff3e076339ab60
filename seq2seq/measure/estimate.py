"""Estimate of a training run, measured on its device: text is prepared as for training, only the beginning of a long
one, and updates and validations are timed."""

from __future__ import annotations

import math
import tempfile
import time
from bisect import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from seq2seq import tasks
from seq2seq.data.batches import Batch, Place
from seq2seq.data.corpus import Corpus
from seq2seq.device import Choice, wait
from seq2seq.errors import RecipeError
from seq2seq.measure import memory
from seq2seq.measure.steps import Stopwatch, grow, one_batch, updates
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.tasks import preparation
from seq2seq.tasks.task import Say
from seq2seq.tasks.workload import SHARES, Costs

SECONDS = 30.0  # for updates, and as many for a validation
_UPDATES = 12

_TIMING = 0.08  # of --minutes, for timing updates
_VALIDATING, _JUDGING = 0.2, 0.25  # of what is left, at most
_LEAST_UPDATES = 10  # fewer are not worth training
_VALIDATIONS = 4  # kept, where the recipe has more and dev must be cut to fit them
_LEAST_PAIRS = 10  # of dev and test
_ALWAYS = 0.3  # seconds, to write the model and its copies


@dataclass(frozen=True)
class Estimate:
    """Sizes and measured figures, in seconds, tokens and bytes."""

    device: str
    parameters: int
    size: str  # of the training text
    target_tokens: int  # an epoch's
    memory: int  # at the largest batch that was timed; 0 where the system does not report it
    share: float  # timed, of a batch: less than 1 where a whole one takes too long
    measured: int  # updates that were timed
    step_seconds: float
    tokens_per_second: float
    epochs: float  # of all steps
    preparing: float  # tokenizer and encoding, of all the text
    costs: Costs  # of validating and judging
    update: str = ""  # how much an update learns from
    together: int = 1  # updates that are made of batches drawn together


def estimate(recipe: Recipe, corpus: Corpus[Any], device: Choice, say: Say, seconds: float = SECONDS) -> Estimate:
    """Prepare text and time updates, for about `seconds` seconds; `say` receives progress messages.

    Raises what training would raise for this text.
    """
    workload = tasks.of(recipe).workload()
    lighter, made = workload.lighter(corpus)
    task = tasks.of(lighter)
    say("Reading the text")
    sizes = [workload.size(text, say) for text in corpus.train]
    share = min(1.0, workload.beginning_size / max(1, sum(sizes)))
    if share < 1:
        say(f"Of {sum(sizes):,} {workload.unit} the first {workload.beginning_size:,} are tokenised")
        beginnings = (workload.beginning(text, math.ceil(share * size)) for text, size in zip(corpus.train, sizes))
        corpus = replace(corpus, train=tuple(beginnings))
    corpus = replace(corpus, dev=workload.beginning(corpus.dev, workload.beginning_size))
    with tempfile.TemporaryDirectory(prefix="seqx-", ignore_cleanup_errors=True) as scratch:
        start, run = time.perf_counter(), Run(Path(scratch) / "run")
        prepared = preparation.prepare(task, corpus, run, device, say)
        preparing = (time.perf_counter() - start) / share / made
        tokenizers, numerics = prepared.tokenizers, device.numerics
        model: Any = task.model(tokenizers)
        if recipe.start is not None:
            task.initialise(model, run)
        model.to(numerics.device)
        say("Timing updates")
        objective, source = prepared.training.objective(model, numerics), prepared.training.source
        start = time.perf_counter()
        drawn = [batch for _, batch in islice(source.stream(Place()), workload.drawn)]
        drawing = 0.0 if source.ahead else (time.perf_counter() - start) / len(drawn)
        update = updates(one_batch(recipe), model, objective, numerics)
        # Its tokens are in both vocabularies.
        largest = workload.largest(drawn, min(tokenizers.source.size, tokenizers.target.size))
        place_seconds, timed_share, count = _timed(update, drawn, largest, numerics.device, seconds)
        say("Timing a validation")

        def seconds_of_one(do: Callable[[int], object], counts: Sequence[int]) -> float:
            count, taken = grow(do, counts, seconds, numerics.device)[-1]
            return taken / count

        costs = workload.costs(prepared, model, numerics, seconds_of_one)
    tokens, places = sum(batch.tokens for batch in drawn), sum(batch.padded for batch in drawn)
    rows = sum(len(batch.labels) for batch in drawn)
    epoch = workload.epoch_tokens(prepared.report, tokens / rows) / share
    update_tokens = recipe.training.accumulate * tokens / len(drawn)
    step_seconds = recipe.training.accumulate * (places / len(drawn) * place_seconds + drawing)
    return Estimate(
        device=str(device),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        size=f"{sum(sizes):,} {workload.unit}",
        target_tokens=int(epoch),
        memory=memory.peak(numerics.device),
        share=timed_share,
        measured=count,
        step_seconds=step_seconds,
        tokens_per_second=update_tokens / step_seconds,
        epochs=recipe.training.steps * update_tokens / epoch,
        preparing=preparing,
        costs=costs,
        update=workload.update,
        together=workload.together,
    )


def fit_minutes(
    recipe: Recipe, corpus: Corpus[Any], device: Choice, minutes: float, say: Say
) -> tuple[Recipe, Estimate]:
    """The recipe with as many updates as fit into `minutes` from now on, at the measured speed, with measuring,
    preparing text, validating and judging included. Where dev and test take too long, their beginnings are used.

    Raises RecipeError where fewer than 10 updates fit.
    """
    end = time.perf_counter() + 60 * minutes
    say("Measuring updates and a validation")
    estimated = estimate(recipe, corpus, device, lambda message: None, max(0.1, _TIMING * 60 * minutes))
    judged = tasks.of(recipe).workload().judged(corpus)
    return within(recipe, estimated, judged, minutes, end - time.perf_counter()), estimated


def within(recipe: Recipe, estimated: Estimate, most_pairs: int, minutes: float, seconds: float) -> Recipe:
    """The recipe with as many updates as fit into the `seconds` that are left of `minutes`; dev and test keep at most
    `most_pairs` pairs each."""
    left = seconds - estimated.preparing - estimated.costs.first - _ALWAYS
    usual, costs = recipe.training, estimated.costs
    all_validations = math.ceil(usual.steps / usual.validate_every)
    validating = _VALIDATING * left / min(all_validations, _VALIDATIONS)
    pairs = _most_pairs(costs, validating, _JUDGING * left, most_pairs)
    validations = max(1, min(all_validations, int(_VALIDATING * left / costs.validation(pairs))))
    rest = left - costs.judging(pairs) - validations * costs.validation(pairs)
    count = int(rest / estimated.step_seconds)
    count -= count % estimated.together
    if count < _LEAST_UPDATES:
        raise RecipeError(
            f"--minutes {minutes:g}: time for {max(0, count)} updates at {estimated.step_seconds:.2f} s each, besides "
            "preparing text, validating and judging (measured); give more minutes or take a smaller model"
        )
    share = usual.validate_every / usual.steps if validations == all_validations else 1 / validations
    judging = pairs if pairs < most_pairs else recipe.data.judge_pairs
    return recipe.with_budget(count, math.ceil(share * count), judging)


def _most_pairs(costs: Costs, validating: float, judging: float, most: int) -> int:
    """The most pairs that can be validated, and judged, in this time."""
    least = min(_LEAST_PAIRS, most)

    def too_many(pairs: int) -> bool:
        return costs.validation(pairs) > validating or costs.judging(pairs) > judging

    return least + bisect(range(least + 1, most + 1), False, key=too_many)


def _timed(
    update: Callable[[Batch], object], drawn: Sequence[Batch], largest: Batch, device: torch.device, seconds: float
) -> tuple[float, float, int]:
    """Seconds of an update per place, the share of a batch that was timed, and the number of updates timed: on the
    task's own batches, after a largest one, or on parts of them where there is not enough time."""
    end = time.perf_counter() + seconds
    pieces = {piece.padded: piece for piece in (drawn[0].pieces(parts)[0] for parts in SHARES)}
    points = grow(lambda places: update(pieces[places]), list(pieces), seconds, device)
    if len(points) < len(pieces):
        # Linear in the number of places, plus a constant per update.
        (few, fast), (many, slow) = points[-2] if len(points) > 1 else (0, 0.0), points[-1]
        whole = drawn[0].padded
        estimated = slow + (slow - fast) / max(1, many - few) * (whole - many)
        return estimated / whole, many / whole, len(points)
    update(largest)
    stopwatch, taken = Stopwatch(), []
    for batch in drawn[1 : 1 + _UPDATES]:
        taken.append((batch.padded, stopwatch.time(partial(update, batch), partial(wait, device)).median))
        if time.perf_counter() > end:
            break
    return sum(took for _, took in taken) / sum(places for places, _ in taken), 1.0, len(taken)
