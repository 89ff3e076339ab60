"""What the devices of this machine make of a recipe: how fast, how exact, how large a batch, and which one to take."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

import torch

import seq2seq
from seq2seq import device, recipe
from seq2seq.device import Attempt, Numerics, Trial
from seq2seq.training import agreement, memory, random_batches
from seq2seq.training.agreement import Agreement
from seq2seq.training.bench import Bench, Row
from seq2seq.training.memory import Budget
from seq2seq.training.timing import Curve, Stopwatch

SHARES = (1 / 8, 1 / 4, 1 / 2, 1, 2)  # of the recipe's batch
TEXTS = (1, 16)  # decoded at once
_CHEAP = 5e11  # floating-point operations of a step that may be tried before training
_READS = 10  # steps between two looks at the clock


@dataclass(frozen=True)
class Machine:
    """What the figures were measured on."""

    seqx: str
    python: str
    torch: str
    platform: str
    processors: int
    threads: int
    omp_wait_policy: str | None
    memory: int
    available_memory: int
    muon: bool  # whether this torch has it


@dataclass(frozen=True)
class Examined:
    """One device."""

    name: str
    description: str
    precision: str
    bfloat16: str  # whether it is used, and why
    training: list[Row] = field(default_factory=list)
    stopped: str = ""  # why larger batches were not timed
    decoding: list[Row] = field(default_factory=list)
    optimiser_seconds: float = 0.0
    unfused_seconds: float = 0.0
    read_seconds: float | None = None  # of a step after which the loss is read; the CPU never waits
    unread_seconds: float | None = None
    attention: tuple[str, str] = ("", "")  # kernels: in training, in decoding
    open_kernels: list[str] = field(default_factory=list)
    agreement: Agreement | None = None
    budget: Budget | None = None
    error: str = ""  # what kept it from being examined

    @property
    def fault(self) -> str:
        """Why the device must not be used; nothing where it may."""
        return self.error or (self.agreement.fault if self.agreement else "")

    @property
    def curve(self) -> Curve:
        """Seconds of a training step by size."""
        return [(row.size, row.timing.median) for row in self.training]


@dataclass(frozen=True)
class Checkup:
    """All that was found."""

    machine: Machine
    recipe: str
    parameters: int
    batch_tokens: int
    optimizer: str
    devices: list[Examined]
    automatic: str  # the device that --device auto takes
    reason: str


def examine(
    wanted: recipe.Recipe,
    devices: Sequence[torch.device],
    *,
    quick: bool = False,
    progress: Callable[[str], None] = lambda what: None,
) -> Checkup:
    """Examine devices with a recipe; `progress` is told what comes next. Random numbers go on as if nothing had been.

    Where torch lacks Muon, a recipe that wants it is measured with AdamW.
    """
    muon = hasattr(torch.optim, "Muon")
    if wanted.training.optimizer == "muon" and not muon:
        wanted = wanted.model_copy(update={"training": wanted.training.model_copy(update={"optimizer": "adamw"})})
    stopwatch = Stopwatch(0.5, most=8) if quick else Stopwatch(4.0)
    there = device.present()
    device.prepare()
    examined = []
    for each in devices:
        with device.random_kept(each):
            examined.append(_examine(wanted, each, there.get(each.type, ""), stopwatch, quick, progress))
    chosen, reason = device.automatic(there, _measured(examined, attempt(wanted)))
    return Checkup(
        machine=_machine(muon),
        recipe=wanted.name,
        parameters=_parameters(wanted),
        batch_tokens=wanted.training.batch_tokens,
        optimizer=wanted.training.optimizer,
        devices=examined,
        automatic=str(chosen),
        reason=reason,
    )


def attempt(wanted: recipe.Recipe) -> Attempt:
    """What `device.choose` tries on a device: a training step of this recipe, and on a GPU whether it computes as the
    CPU does. A recipe whose step is not cheap is stood in for by a stack of layers."""

    def tried(where: torch.device) -> Trial:
        if 6 * _matrices(wanted.model) * wanted.training.batch_tokens > _CHEAP:
            return Trial(device.stack_seconds(where))
        try:
            with device.random_kept(where):
                bench = Bench(wanted, device.numerics(where, wanted.training.precision))
                seconds = bench.training(wanted.training.batch_tokens, Stopwatch(1.0, most=10)).timing.median
                fault = "" if where.type == "cpu" else agreement.compare(wanted, where).fault
        except RuntimeError as error:
            return Trial(inf, _first_line(error))
        return Trial(seconds, fault)

    return tried


def budgets(batch_tokens: int) -> list[int]:
    """The sizes of batches to time, smallest first."""
    return [max(1, int(share * batch_tokens)) for share in SHARES]


def _examine(
    wanted: recipe.Recipe,
    where: torch.device,
    description: str,
    stopwatch: Stopwatch,
    quick: bool,
    progress: Callable[[str], None],
) -> Examined:
    numerics = device.numerics(where, wanted.training.precision)
    half, why = device.bfloat16(where)
    about = {
        "name": str(where),
        "description": description,
        "precision": "float32" if numerics.autocast is None else "bfloat16",
        "bfloat16": f"{'yes' if half else 'no'}: {why}",
    }
    try:
        return _measure(Examined(**about), wanted, numerics, stopwatch, quick, progress)
    except RuntimeError as error:
        return Examined(**about, error=_first_line(error))
