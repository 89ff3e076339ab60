"""Speed, exactness and batch size of a recipe on the devices of this machine, and which device to use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any

import torch

from seq2seq import device
from seq2seq.device import Attempt, Trial
from seq2seq.errors import DeviceError
from seq2seq.measure import agreement, memory
from seq2seq.measure.agreement import Agreement
from seq2seq.measure.machine import this_machine
from seq2seq.measure.memory import FEW, Budget
from seq2seq.measure.steps import ModelSteps, SizeTiming, Stopwatch, random_model
from seq2seq.recipe import Recipe
from seq2seq.tasks.task import Say

SHARES = (1 / 8, 1 / 4, 1 / 2, 1, 2)  # of the recipe's batch
TEXTS = (1, 16)  # decoded at once
_PATIENCE = 10  # time limit of a device, in time limits of one size
_CHEAP = 5e11  # floating-point operations: steps up to this are tried before training
_TRIAL = Stopwatch(1.0, most=10)

TimingCurve = Sequence[tuple[int, float]]  # (tokens of a batch, seconds of a step), smallest first


@dataclass
class Examined:
    """The measurements of one device, filled in step by step; the most important come first, in case time runs out."""

    name: str
    description: str
    bfloat16: str  # whether its products are fast, and why
    precision: str = ""
    training: list[SizeTiming] = field(default_factory=list)
    stopped: str = ""  # why larger batches were not timed
    one_thread: SizeTiming | None = None  # of the CPU, where it uses more by default
    decoding: list[SizeTiming] = field(default_factory=list)
    agreement: Agreement | None = None
    budget: Budget | None = None
    error: str = ""  # why it could not be examined

    @property
    def fault(self) -> str:
        """Why the device must not be used; empty where it may."""
        return self.error or (self.agreement.fault if self.agreement else "")

    def usual(self, batch_tokens: int) -> SizeTiming:
        """The row of the recipe's batch, or the largest timed size below it."""
        smaller = [row for row in self.training if row.size <= batch_tokens]
        return max(smaller, default=self.training[0], key=lambda row: row.size)

    @property
    def curve(self) -> TimingCurve:
        """Seconds of a training step by size."""
        return [(row.size, row.timing.median) for row in self.training]


@dataclass(frozen=True)
class Diagnosis:
    """All that was measured."""

    machine: dict[str, Any]
    recipe: str
    parameters: int
    batch_tokens: int
    optimizer: str
    devices: list[Examined]
    automatic: str  # the device that --device auto chooses
    reason: str


def diagnose(
    recipe: Recipe, devices: Sequence[torch.device], *, quick: bool = False, say: Say = lambda message: None
) -> Diagnosis:
    """Examine devices with a recipe; `say` receives progress messages. Leaves the state of random generators unchanged.

    Where torch lacks the recipe's optimiser, AdamW is used.
    """
    machine = this_machine()
    if not machine["optimisers"][recipe.optimizer.kind]:
        recipe = recipe.with_values({"optimizer": {"kind": "adamw"}})
    stopwatch = Stopwatch(1.0, most=8) if quick else Stopwatch(4.0)
    present = device.present()
    device.prepare()
    examined = []
    for each in devices:
        with device.random_kept(each):
            examined.append(_examine(recipe, each, present.get(each.type, ""), stopwatch, quick, say))
    chosen, reason = device.automatic(present, attempt(recipe))
    return Diagnosis(
        machine=machine,
        recipe=recipe.name,
        parameters=parameters(recipe),
        batch_tokens=recipe.training.batch_tokens,
        optimizer=recipe.optimizer.kind,
        devices=examined,
        automatic=str(chosen),
        reason=reason,
    )


def attempt(recipe: Recipe) -> Attempt:
    """The trial of `device.choose`: a training step of this recipe, and on a GPU whether it agrees with the CPU. Where
    such a step is expensive, a small stack of layers is timed instead."""

    def tried(where: torch.device) -> Trial:
        if 6 * parameters(recipe) * recipe.training.batch_tokens > _CHEAP:
            return Trial(device.stack_seconds(where))
        try:
            with device.random_kept(where):
                steps = ModelSteps(recipe, device.numerics(where, recipe.training.precision))
                seconds = steps.training(recipe.training.batch_tokens, _TRIAL).timing.median
                return Trial(seconds, "" if where.type == "cpu" else agreement.compare(recipe, where).fault)
        except (RuntimeError, DeviceError) as error:
            return Trial(inf, _first_line(error))

    return tried


def parameters(recipe: Recipe) -> int:
    """The approximate number of parameters of a recipe's model; no memory is allocated for them."""
    with torch.device("meta"):
        return sum(weight.numel() for weight in random_model(recipe).parameters())


def _examine(
    recipe: Recipe, where: torch.device, description: str, stopwatch: Stopwatch, quick: bool, say: Say
) -> Examined:
    half, why = device.bfloat16(where)
    examined = Examined(str(where), description, bfloat16=f"{'yes' if half else 'no'}: {why}")
    try:
        numerics = device.numerics(where, recipe.training.precision)
        examined.precision = numerics.precision
        _measure(examined, ModelSteps(recipe, numerics), stopwatch, quick, lambda message: say(f"{where}: {message}"))
    except (RuntimeError, DeviceError) as error:
        examined.error = _first_line(error)
    return examined


def _measure(examined: Examined, steps: ModelSteps, stopwatch: Stopwatch, quick: bool, say: Say) -> None:
    where, batch_tokens = steps.numerics.device, steps.recipe.training.batch_tokens
    sizes = [max(1, int(share * batch_tokens)) for share in SHARES]
    end = stopwatch.clock() + _PATIENCE * stopwatch.seconds
    say("agreement with the CPU, memory")
    examined.agreement = agreement.compare(steps.recipe, where)
    kept = memory.bytes_per_token(steps, min(sizes[0], FEW))
    examined.budget = memory.estimated_budget(steps.parameters, kept, where)
    examined.stopped = time_sizes(steps, sizes, examined.training, examined.budget.batch_tokens, stopwatch, end, say)
    if where.type == "cpu" and torch.get_num_threads() > 1:
        say("training step with one thread")
        with device.one_thread():
            examined.one_thread = steps.training(examined.usual(batch_tokens).size, stopwatch)
    for texts in TEXTS if steps.workload.decodes else ():
        say(f"decoding step of {texts}")
        examined.decoding.append(steps.decoding(texts, stopwatch))
        if stopwatch.clock() > end:
            return
    if where.type == "cuda" and not quick:
        say("largest batch")
        update, start = partial(memory.peak_of_update, steps), examined.training[-1].size
        examined.budget = memory.measured_budget(update, start, memory.available(where)[0], seconds=10.0)


def time_sizes(
    steps: ModelSteps,
    sizes: Sequence[int],
    rows: list[SizeTiming],
    fits: int,
    stopwatch: Stopwatch,
    end: float,
    say: Say,
) -> str:
    """Add a row for each of `sizes`, smallest first, to `rows`; returns why it stopped before the last, else empty."""
    for size in sizes:
        last = rows[-1] if rows else None
        expected = last.timing.median * size / last.size if last else 0.0
        if expected > 2 * stopwatch.seconds:
            return f"{size:,} tokens: a step would take about {expected:.0f} s"
        if last and stopwatch.clock() > end:
            return f"{size:,} tokens: the time limit was reached"
        if last and size > fits:
            return f"{size:,} tokens: would not fit into memory"
        say(f"training step of {size:,} tokens")
        try:
            row = steps.training(size, stopwatch)
        except RuntimeError as error:
            if not last or not device.out_of_memory(error):
                raise
            return f"{size:,} tokens: out of memory"
        if not last or row.size > last.size:
            rows.append(row)
    return ""


def _first_line(error: Exception) -> str:
    """The first line of an error message, without the advice that torch adds."""
    return str(error).strip().split("\n")[0]
