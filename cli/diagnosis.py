"""How `seqx doctor` shows what it measured: as tables, as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.table import Table

from seq2seq.measure.devices import Diagnosis, Examined
from seq2seq.measure.findings import findings, verdict
from seq2seq.measure.steps import Row
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
    if timed := [each for each in diagnosis.devices if each.training]:
        console.print("\nTraining step (forward, backward, update)")
        console.print(_training(timed, diagnosis.batch_tokens))
        if any(_is_recipes(each.usual(diagnosis.batch_tokens), diagnosis.batch_tokens) for each in timed):
            console.print("* the recipe's batch")
        for each in timed:
            if each.stopped:
                console.print(f"{each.name}: not timed at {each.stopped}")
        console.print("\nDecoding step (one token of each text, from cached keys and values)")
        rows = [(each.name, each.precision, str(row.size), *_times(row)) for each in timed for row in each.decoding]
        console.print(figures(("device", "precision", "texts", *_TIMES), rows, left=2))
    if any(each.agreement for each in diagnosis.devices):
        console.print("\nAgreement (float32, same weights, same batch): relative differences")
        console.print(_agreement(diagnosis.devices))
    budgets = [
        f"{each.name}: training.batch_tokens up to {each.budget.batch_tokens:,} fits ({each.budget.how})"
        for each in diagnosis.devices
        if each.budget
    ]
    for title, sentences in (
        ("How each device computes", [f"{each.name}: bfloat16 {each.bfloat16}" for each in diagnosis.devices]),
        ("What the figures say", findings(diagnosis)),
        ("Verdict", [*verdict(diagnosis), *budgets]),
    ):
        if sentences:
            console.print(f"\n{title}")
        for sentence in sentences:
            item = Table.grid(padding=(0, 1, 0, 0))  # wrapped and indented like the item of a list
            item.add_row("-", sentence)
            console.print(item)


def _heading(diagnosis: Diagnosis) -> Iterator[str]:
    machine = diagnosis.machine
    yield f"seqx {machine.seqx}, torch {machine.torch}, Python {machine.python}, {machine.platform}"
    yield (
        f"{machine.threads} of {machine.processors} processors used, OMP_WAIT_POLICY "
        f"{machine.omp_wait_policy or 'not set'}, {machine.available_memory / _GIB:.1f} of "
        f"{machine.memory / _GIB:.1f} GiB free"
    )
    yield (
        f"Recipe {diagnosis.recipe}: about {diagnosis.parameters / 1e6:.1f} million parameters, "
        f"{diagnosis.batch_tokens:,} tokens a batch, {diagnosis.optimizer}"
    )
    for kind, available in machine.optimisers.items():
        if needs := class_of(kind).needs:
            lacking = f"not there, torch {needs[1]} has it; adamw is measured where a recipe wants it"
            yield f"torch.optim.{needs[0]} {'there' if available else lacking}"


def _training(timed: Sequence[Examined], batch_tokens: int) -> Table:
    rows = []
    for each in timed:
        usual = each.usual(batch_tokens)
        for row in each.training:
            star = "*" if row is usual and _is_recipes(row, batch_tokens) else " "
            rows.append((each.name, each.precision, f"{row.size:,}{star}", *_times(row)))
    return figures(("device", "precision", "batch tokens", *_TIMES), rows, left=2)


def _is_recipes(row: Row, batch_tokens: int) -> bool:
    """Whether the largest row up to the recipe's batch is of that batch, of which whole rows are left."""
    return 2 * row.size > batch_tokens


def _times(row: Row) -> tuple[str, ...]:
    timing = row.timing
    seconds = (f"{1000 * each:,.2f}" for each in (timing.median, timing.p90))
    return (*seconds, f"{row.tokens_per_second:,.0f}", str(timing.steps))


def _agreement(devices: Sequence[Examined]) -> Table:
    rows = []
    for each in devices:
        if agreement := each.agreement:
            differences = (agreement.loss, agreement.gradient, agreement.logits, agreement.decoding)
            shown = (f"{difference:.0e}" if difference else "0" for difference in differences)
            padded = "yes" if agreement.padded else "no"
            rows.append((each.name, agreement.against, *shown, padded, "NO" if agreement.fault else "yes"))
    return figures(("device", "with", "loss", "gradient", "logits", "cached", "padded", "agrees"), rows, left=2)
