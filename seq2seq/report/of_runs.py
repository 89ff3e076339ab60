"""Several runs on one page: two compared, or all of a folder in a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seq2seq import tasks
from seq2seq.errors import RunError
from seq2seq.evaluation.parts import Cell, Page, PageSection, Paragraph, Table
from seq2seq.lifecycle.summaries import Summary, summaries, summary
from seq2seq.recipe.files import differences
from seq2seq.report import training
from seq2seq.report.page import html
from seq2seq.run import Run
from seq2seq.tasks.task import RunComparison


def compared(runs: Sequence[Run], comparison: RunComparison) -> str:
    """The page of two runs, A and B, with their curves, and in what their recipes differ."""
    first, second = runs
    own = [run.recipe() for run in runs]
    names = [summary(run, run.path.absolute().name) for run in runs]
    recipes = [tuple(text.partition(": ")[::2]) for text in differences(*own)]
    sections = [
        PageSection("Comparison", list(comparison.shown())),
        PageSection("Curves", training.charts([("A", first), ("B", second)], tasks.of(own[0]).predicted)),
        PageSection(
            "Recipes",
            [Table("Values that differ", ("value", "A -> B"), recipes)] if recipes else [Paragraph("The same values.")],
        ),
        PageSection("Runs", [_table(names, labels=("A", "B"))]),
    ]
    summed = [(label, each.path) for label, each in zip(("A", "B"), names)]
    return html(Page(f"{names[0].name} and {names[1].name}", "comparison", summed, sections))


def overview(folder: Path) -> str:
    """The page of all runs of a folder. Raises RunError where there are none."""
    found = list(summaries(folder))
    if not found:
        raise RunError(f"no runs under {folder}/; `seqx train` makes one")
    sections = [PageSection("All runs", [_table(found)])]
    if problems := [Paragraph(f"{each.name}: {each.problem}") for each in found if each.problem]:
        sections.append(PageSection("Damaged", problems))
    return html(Page(folder.absolute().name, f"{len(found):,} runs of a folder", (), sections))


def _table(rows: Sequence[Summary], labels: Sequence[str] = ()) -> Table:
    figures = list(dict.fromkeys(figure.name for row in rows for figure in row.scores))
    columns = ["run", "task", "from", "state", "steps", *figures, "MB", "when"]
    cells: list[list[Cell]] = []
    for number, row in enumerate(rows):
        scores: dict[str, Cell] = {figure.name: figure.value for figure in row.scores}
        name = f"{labels[number]}: {row.name}" if labels else row.name
        task = f"{row.task} {row.languages}".strip()
        size, when = round(row.bytes / 1e6, 1), row.when[:16].replace("T", " ")
        cells.append([name, task, row.parent, row.state, row.step, *map(scores.get, figures), size, when])
    return Table("Click a heading to sort" if not labels else "", columns, cells, sortable=not labels)
