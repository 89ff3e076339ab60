"""The output of `seqx doctor`: tables, JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.table import Table

from seq2seq.measure.devices import Diagnosis, Examined
from seq2seq.measure.findings import findings, verdict
from seq2seq.measure.steps import SizeTiming
from seq2seq.training.optimisers import class_of

from .console import Console, figures
from .printing import show_json

_GIB = 2**30
_TIMES = ("median ms", "p90 ms", "tokens/s", "steps timed")


def write_json(diagnosis: Diagnosis) -> None:
    """Everything, to standard output; seconds, bytes and tokens."""
    show_json({**asdict(diagnosis), "findings": findings(diagnosis), "verdict": verdict(diagnosis)})


def write_tables(diagnosis: Diagnosis) -> None:
    """Everything, to standard output, for people."""
    console = Console()
    for line in _heading(diagnosis):
        console.print(line)
    if timed := [device for device in diagnosis.devices if device.training]:
        console.print("\nTraining step (forward, backward, update)")
        console.print(_training(timed, diagnosis.batch_tokens))
        if any(_is_recipes(device.usual(diagnosis.batch_tokens), diagnosis.batch_tokens) for device in timed):
            console.print("* the recipe's batch")
        for device in timed:
            if device.stopped:
                console.print(f"{device.name}: not timed at {device.stopped}")
        console.print("\nDecoding step (one token of each text, from cached keys and values)")
        rows = [
            (device.name, device.precision, str(row.size), *_times(row)) for device in timed for row in device.decoding
        ]
        console.print(figures(("device", "precision", "texts", *_TIMES), rows, left=2))
    if any(device.agreement for device in diagnosis.devices):
        console.print("\nAgreement (float32, same weights, same batch): relative differences")
        console.print(_agreement(diagnosis.devices))
    budgets = [
        f"{device.name}: training.batch_tokens up to {device.budget.batch_tokens:,} fits ({device.budget.how})"
        for device in diagnosis.devices
        if device.budget
    ]
    for title, sentences in (
        ("How each device computes", [f"{device.name}: bfloat16 {device.bfloat16}" for device in diagnosis.devices]),
        ("What the figures say", findings(diagnosis)),
        ("Verdict", [*verdict(diagnosis), *budgets]),
    ):
        if sentences:
            console.print(f"\n{title}")
        for sentence in sentences:
            item = Table.grid(padding=(0, 1, 0, 0))  # wrapped and indented as a list item
            item.add_row("-", sentence)
            console.print(item)


def _heading(diagnosis: Diagnosis) -> Iterator[str]:
    machine = diagnosis.machine
    yield f"seqx {machine['seqx']}, torch {machine['torch']}, Python {machine['python']}, {machine['platform']}"
    yield (
        f"{machine['threads']} of {machine['processors']} processors used, OMP_WAIT_POLICY "
        f"{machine['omp_wait_policy'] or 'not set'}, {machine['available_memory'] / _GIB:.1f} of "
        f"{machine['memory'] / _GIB:.1f} GiB free"
    )
    yield (
        f"Recipe {diagnosis.recipe}: about {diagnosis.parameters / 1e6:.1f} million parameters, "
        f"{diagnosis.batch_tokens:,} tokens per batch, {diagnosis.optimizer}"
    )
    for kind, available in machine["optimisers"].items():
        if needs := class_of(kind).needs:
            lacking = f"not available, it needs torch {needs[1]}; recipes that use it are measured with adamw"
            yield f"torch.optim.{needs[0]}: {'available' if available else lacking}"


def _training(timed: Sequence[Examined], batch_tokens: int) -> Table:
    rows = []
    for device in timed:
        usual = device.usual(batch_tokens)
        for row in device.training:
            star = "*" if row is usual and _is_recipes(row, batch_tokens) else " "
            rows.append((device.name, device.precision, f"{row.size:,}{star}", *_times(row)))
    return figures(("device", "precision", "batch tokens", *_TIMES), rows, left=2)


def _is_recipes(row: SizeTiming, batch_tokens: int) -> bool:
    """Whether a row is of the recipe's batch, which may be rounded down to whole rows."""
    return 2 * row.size > batch_tokens


def _times(row: SizeTiming) -> tuple[str, ...]:
    timing = row.timing
    seconds = (f"{1000 * value:,.2f}" for value in (timing.median, timing.p90))
    return (*seconds, f"{row.tokens_per_second:,.0f}", str(timing.steps))


def _agreement(devices: Sequence[Examined]) -> Table:
    rows = []
    for device in devices:
        if agreement := device.agreement:
            differences = (agreement.loss, agreement.gradient, agreement.logits, agreement.decoding)
            shown = (f"{difference:.0e}" if difference else "0" for difference in differences)
            padded = "yes" if agreement.padded else "no"
            rows.append((device.name, agreement.against, *shown, padded, "NO" if agreement.fault else "yes"))
    return figures(("device", "with", "loss", "gradient", "logits", "cached", "padded", "agrees"), rows, left=2)
