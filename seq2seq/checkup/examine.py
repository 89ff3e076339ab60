"""What the devices of this machine make of a recipe: how fast, how exact, how large a batch, and which one to take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch

from seq2seq import device, recipe
from seq2seq.checkup import agreement, memory
from seq2seq.checkup.agreement import Agreement
from seq2seq.checkup.bench import Bench, Row
from seq2seq.checkup.machine import Machine, this_machine
from seq2seq.checkup.memory import Budget
from seq2seq.checkup.timing import Comparison, Curve, Stopwatch
from seq2seq.checkup.trial import attempt, first_line, parameters
from seq2seq.device import Attempt, Trial
from seq2seq.errors import DeviceError

SHARES = (1 / 8, 1 / 4, 1 / 2, 1, 2)  # of the recipe's batch
TEXTS = (1, 16)  # decoded at once
_FEW = 512  # tokens, where more would tell no more
_PATIENCE = 10  # times that a device may take what one size may


@dataclass(frozen=True)
class Examined:
    """One device."""

    name: str
    description: str
    bfloat16: str  # whether its products are fast, and why
    precision: str = ""
    training: list[Row] = field(default_factory=list)
    stopped: str = ""  # why larger batches were not timed
    one_thread: Row | None = None  # of the CPU, where it usually has more
    decoding: list[Row] = field(default_factory=list)
    optimiser: Comparison | None = None  # the update alone: as torch does it by itself, and as the recipe does it
    reading: Comparison | None = None  # steps where each loss is read, and where none is; the CPU never waits
    attention: tuple[str, str] = ("", "")  # kernels: in training, in decoding
    open_kernels: list[str] = field(default_factory=list)
    agreement: Agreement | None = None
    budget: Budget | None = None
    error: str = ""  # what kept it from being examined

    @property
    def fault(self) -> str:
        """Why the device must not be used; nothing where it may."""
        return self.error or (self.agreement.fault if self.agreement else "")

    def usual(self, batch_tokens: int) -> Row:
        """The row of the recipe's batch, or the nearest to it that was timed."""
        return max(
            (row for row in self.training if row.size <= batch_tokens),
            default=self.training[0],
            key=lambda row: row.size,
        )

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

    Where torch lacks the recipe's optimiser, it is measured with AdamW.
    """
    machine = this_machine()
    if not machine.optimisers[wanted.optimizer.kind]:
        wanted = wanted.with_optimizer("adamw")
    stopwatch = Stopwatch(1.0, most=8) if quick else Stopwatch(4.0)
    there = device.present()
    device.prepare()
    examined = []
    for each in devices:
        with device.random_kept(each):
            examined.append(_examine(wanted, each, there.get(each.type, ""), stopwatch, quick, progress))
    chosen, reason = device.automatic(there, told(examined, wanted.training.batch_tokens, attempt(wanted)))
    return Checkup(
        machine=machine,
        recipe=wanted.name,
        parameters=parameters(wanted),
        batch_tokens=wanted.training.batch_tokens,
        optimizer=wanted.optimizer.kind,
        devices=examined,
        automatic=str(chosen),
        reason=reason,
    )


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
    half, why = device.bfloat16(where)
    found = Examined(str(where), description, bfloat16=f"{'yes' if half else 'no'}: {why}")
    try:
        numerics = device.numerics(where, wanted.training.precision)
        found = replace(found, precision="float32" if numerics.autocast is None else "bfloat16")
        for each in _measure(found, Bench(wanted, numerics), wanted, stopwatch, quick, progress):
            found = each
    except (RuntimeError, DeviceError) as error:
        return replace(found, error=first_line(error))
    return found


def _measure(
    found: Examined,
    bench: Bench,
    wanted: recipe.Recipe,
    stopwatch: Stopwatch,
    quick: bool,
    progress: Callable[[str], None],
) -> Iterator[Examined]:
    """What is known of a device, more and more of it; less matters where time runs out."""
    where = torch.device(found.name)
    sizes = budgets(wanted.training.batch_tokens)
    end = stopwatch.clock() + _PATIENCE * stopwatch.seconds
    progress(f"{where}: agreement with the CPU, memory, attention")
    found = replace(found, agreement=agreement.compare(wanted, where))
    yield found
    budget = memory.estimated_budget(bench.parameters, bench.bytes_a_token(min(sizes[0], _FEW)), where)
    found = replace(
        found,
        budget=budget,
        attention=bench.attention(min(sizes[0], _FEW)),
        open_kernels=_open_kernels() if where.type == "cuda" else [],
    )
    yield found
    for row, stopped in _sweep(bench, sizes, budget, stopwatch, end, lambda what: progress(f"{where}: {what}")):
        found = replace(found, training=found.training + ([row] if row else []), stopped=stopped)
        yield found
    usual = found.usual(wanted.training.batch_tokens).size
    if where.type == "cpu" and device.threads() > 1:
        progress(f"{where}: training step with one thread")
        with device.one_thread():
            found = replace(found, one_thread=bench.training(usual, stopwatch))
        yield found
    for texts in TEXTS:
        progress(f"{where}: decoding step of {texts}")
        found = replace(found, decoding=[*found.decoding, bench.decoding(texts, stopwatch)])
        yield found
        if stopwatch.clock() > end:
            return
    progress(f"{where}: optimiser")
    found = replace(found, optimiser=bench.optimiser(stopwatch))
    yield found
    if where.type != "cpu":
        progress(f"{where}: reading the loss")
        found = replace(found, reading=bench.reading(usual, stopwatch))
        yield found
    if where.type == "cuda" and not quick:
        progress(f"{where}: largest batch")
        there, _ = memory.room(where)
        start = found.training[-1].size
        yield replace(found, budget=memory.measured_budget(bench.memory_of, start, there, seconds=10.0))


def _sweep(
    bench: Bench,
    sizes: Sequence[int],
    budget: Budget,
    stopwatch: Stopwatch,
    end: float,
    progress: Callable[[str], None],
) -> Iterator[tuple[Row | None, str]]:
    """A row a size; and why it stopped, where it does not come to the last."""
    last: Row | None = None
    for size in sizes:
        foreseen = last.timing.median * size / last.size if last else 0.0
        stopped = ""
        if foreseen > 2 * stopwatch.seconds:
            stopped = f"a step would take about {foreseen:.0f} s"
        elif last and stopwatch.clock() > end:
            stopped = "time was up"
        elif last and size > budget.batch_tokens:
            stopped = "they would not fit into memory"
        if stopped:
            yield None, f"{size:,} tokens: {stopped}"
            return
        progress(f"training step of {size:,} tokens")
        try:
            row = bench.training(size, stopwatch)
        except RuntimeError as error:
            if not last or not device.out_of_memory(error):
                raise
            yield None, f"{size:,} tokens: out of memory"
            return
        if not last or row.size > last.size:
            last = row
            yield row, ""


def told(examined: Sequence[Examined], batch_tokens: int, otherwise: Attempt) -> Attempt:
    """Trials told from what was measured, at the recipe's batch or near it; `otherwise` tries what was not."""
    curves = {torch.device(each.name).type: dict(each.curve) for each in examined}
    faults = {torch.device(each.name).type: each.fault for each in examined}
    common = set.intersection(*map(set, curves.values())) if curves else set()

    def tried(where: torch.device) -> Trial:
        if where.type not in curves or not common:
            return otherwise(where)
        size = max((size for size in common if size <= batch_tokens), default=min(common))
        return Trial(curves[where.type][size], faults[where.type])

    return tried


def _open_kernels() -> list[str]:
    """The kernels of scaled_dot_product_attention that torch may take on CUDA."""
    backends = torch.backends.cuda
    switches: dict[str, Callable[[], bool]] = {
        "flash": backends.flash_sdp_enabled,
        "memory-efficient": backends.mem_efficient_sdp_enabled,
        "cuDNN": backends.cudnn_sdp_enabled,
        "math": backends.math_sdp_enabled,
    }
    return [name for name, is_open in switches.items() if is_open()]
