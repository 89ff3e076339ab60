"""How `seqx doctor` shows what it measured: as tables, as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.table import Table

from seq2seq.checkup.bench import Row
from seq2seq.checkup.examine import Checkup, Examined
from seq2seq.checkup.findings import findings, verdict
from seq2seq.training.optimisers import class_of

from .console import Console, figures
from .printing import show_json

_GIB = 2**30


def write_json(found: Checkup) -> None:
    """Everything, to standard output; seconds, bytes and tokens."""
    show_json({**asdict(found), "findings": findings(found), "verdict": verdict(found)})


def write_tables(found: Checkup) -> None:
    """Everything, to standard output, for people."""
    console = Console()
    for line in _heading(found):
        console.print(line)
    if timed := [each for each in found.devices if each.training]:
        _show(console, "\nTraining step (forward, backward, update)", _training(timed, found.batch_tokens))
        if any(_is_recipes(each.usual(found.batch_tokens), found.batch_tokens) for each in timed):
            console.print("* the recipe's batch")
        for each in timed:
            if each.stopped:
                console.print(f"{each.name}: not timed at {each.stopped}")
        _show(console, "\nDecoding step (one token of each text, from cached keys and values)", _decoding(timed))
    if agreeing := [each for each in found.devices if each.agreement]:
        _show(console, "\nAgreement (float32, same weights, same batch): relative differences", _agreement(agreeing))
    console.print("\nHow each device computes")
    for each in found.devices:
        for label, value in _means(each, found):
            _item(console, f"{each.name}: {label} {value}")
    if sentences := findings(found):
        console.print("\nWhat the figures say")
        for sentence in sentences:
            _item(console, sentence)
    console.print("\nVerdict")
    for sentence in verdict(found):
        _item(console, sentence)
    for each in found.devices:
        if each.budget:
            _item(
                console,
                f"{each.name}: training.batch_tokens up to {each.budget.batch_tokens:,} fits ({each.budget.how})",
            )


def _heading(found: Checkup) -> Iterator[str]:
    machine = found.machine
    yield f"seqx {machine.seqx}, torch {machine.torch}, Python {machine.python}, {machine.platform}"
    yield (
        f"{machine.threads} of {machine.processors} processors used, OMP_WAIT_POLICY "
        f"{machine.omp_wait_policy or 'not set'}, {machine.available_memory / _GIB:.1f} of "
        f"{machine.memory / _GIB:.1f} GiB free"
    )
    yield (
        f"Recipe {found.recipe}: about {found.parameters / 1e6:.1f} million parameters, {found.batch_tokens:,} tokens "
        f"a batch, {found.optimizer}"
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
            size = f"{row.size:,}{star}"
            rows.append((each.name, each.precision, size, *_figures(row), str(row.timing.steps)))
    headings = ("device", "precision", "batch tokens", "median ms", "p90 ms", "tokens/s", "steps timed")
    return figures(headings, rows, left=2)


def _is_recipes(row: Row, batch_tokens: int) -> bool:
    """Whether the largest row up to the recipe's batch is of that batch, of which whole rows are left."""
    return 2 * row.size > batch_tokens


def _decoding(timed: Sequence[Examined]) -> Table:
    rows = [
        (each.name, each.precision, str(row.size), *_figures(row), str(row.timing.steps))
        for each in timed
        for row in each.decoding
    ]
    headings = ("device", "precision", "texts", "median ms", "p90 ms", "tokens/s", "steps timed")
    return figures(headings, rows, left=2)


def _figures(row: Row) -> tuple[str, ...]:
    return (f"{1000 * row.timing.median:,.2f}", f"{1000 * row.timing.p90:,.2f}", f"{row.tokens_per_second:,.0f}")


def _agreement(agreeing: Sequence[Examined]) -> Table:
    rows = []
    for each in agreeing:
        if found := each.agreement:
            differences = (found.loss, found.gradient, found.logits, found.decoding)
            shown = (f"{difference:.0e}" if difference else "0" for difference in differences)
            padded = "yes" if found.padded else "no"
            rows.append((each.name, found.against, *shown, padded, "NO" if found.fault else "yes"))
    return figures(("device", "with", "loss", "gradient", "logits", "cached", "padded", "agrees"), rows, left=2)


def _means(each: Examined, found: Checkup) -> Iterator[tuple[str, str]]:
    yield "bfloat16", each.bfloat16
    if any(each.attention):
        training, decoding = each.attention
        both = training if training == decoding else f"{training} in training, {decoding} in decoding"
        yield "attention by", both
    if each.open_kernels:
        yield "scaled_dot_product_attention may take", ", ".join(each.open_kernels)
    if each.optimiser:
        one, other = (1000 * timing.median for timing in (each.optimiser.one, each.optimiser.other))
        yield "optimiser", f"{class_of(found.optimizer).description}: {other:.2f} ms a step, {one:.2f} without fusion"


def _show(console: Console, title: str, table: Table) -> None:
    console.print(title)
    console.print(table)


def _item(console: Console, sentence: str) -> None:
    """A sentence, wrapped and indented like the item of a list."""
    rows = Table.grid(padding=(0, 1, 0, 0))
    rows.add_row("-", sentence)
    console.print(rows)
