"""`seqx runs`, `seqx runs show`, `seqx runs delete`, `seqx runs average`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from . import command, options
from .printing import note, report, show_json

if TYPE_CHECKING:
    from seq2seq.lifecycle.summaries import Summary
    from seq2seq.tasks.task import Figure

app = typer.Typer(help="List, show, delete and average runs.", invoke_without_command=True, rich_markup_mode=None)

_LESS = ("when", "size", "task", "steps", "parent", "state")  # left out on a narrow terminal, the first one first
_ANY_WIDTH = 10_000
_COLUMNS = ("name", "task", "languages", "parent", "steps", "state", "size", "when")
RunPath = Annotated[Path, Argument(metavar="RUN", help="Run folder, or its name under runs/ (or $SEQX_RUNS).")]


@app.callback()
def _list(
    context: typer.Context,
    sort: Annotated[
        str,
        Option(
            metavar="COLUMN",
            help=f"Sort by {', '.join(_COLUMNS)}, or a score (bleu, chrf2, bits per byte); scores: best first; steps, "
            "size and when: largest first.",
        ),
    ] = "name",
    as_json: options.Json = False,
) -> None:
    """List the runs under runs/ (or $SEQX_RUNS) with their scores on their test sets (95 % intervals)."""
    if context.invoked_subcommand is not None:
        return
    command.must_be_ready("runs", {})
    from seq2seq.lifecycle.summaries import summaries
    from seq2seq.run import root

    from .console import Console, figures

    rows = _sorted(list(summaries()), sort.lower().replace("_", " "))
    if as_json:
        show_json([_values(row) for row in rows])
        return
    if not rows:
        note(f"no runs under {root()}/; `seqx train` makes one")
        return
    shown = {column: [cell(row) for row in rows] for column, cell in _CELLS.items()}
    kept, console, left_out = [column for column, cells in shown.items() if any(cells)], Console(), []
    for dropped in ("", *_LESS):
        if dropped in kept:
            kept.remove(dropped)
            left_out.append(dropped)
        words = sum(column in ("name", "task", "parent") for column in kept)
        table = figures(kept, zip(*(shown[column] for column in kept)), left=words)
        width = console.measure(table, options=console.options.update(max_width=_ANY_WIDTH)).maximum
        if width <= console.width or not console.is_terminal:
            break
    if not console.is_terminal:
        console.width = width
    console.print(table)
    if left_out:
        note(f"the terminal is too narrow for {', '.join(left_out)}; --json has all")
    for row in rows:
        if row.problem:
            note(f"{row.name}: {row.problem}")


def show(*, name: RunPath, as_json: options.Json = False) -> None:
    """Show one run: its text, training, checkpoints, scores and size."""
    from seq2seq import tasks
    from seq2seq.errors import RunError
    from seq2seq.lifecycle import summaries
    from seq2seq.run.steps import steps

    from .console import Console

    run = summaries.named(name)
    row, saved = summaries.summary(run, name.name), steps(run.checkpoints)
    if row.problem:
        raise RunError(row.problem)
    record = run.record()
    if as_json:
        show_json({**_values(row), "checkpoints": saved, "record": record})
        return
    console, task = Console(), tasks.of(run.recipe())
    reason = record.get("finished", {}).get("reason", "")
    lines = {
        "run": f"{name if run.packed else run.path}: {task.described(run)}",
        "state": f"{row.state}, step {row.step:,} of {row.steps:,}" + (f" ({reason})" if reason else ""),
        "when": row.when,
        "started from": row.parent,
        "text": "; ".join(_origins(record)),
        "weights": _made(record),
        "checkpoints": ", ".join(map(str, saved)),
        "licence": str(record.get("licence") or ""),
        "size": _CELLS["size"](row),
    }
    for label, text in lines.items():
        if text:
            console.print(f"{label:13} {text}")
    for set_name, judged in record.get("scores", {}).items():
        for line in task.score_lines(set_name, judged):
            console.print(line)
    if evaluations := len(record.get("evaluations", {})):
        console.print(f"{evaluations} more evaluations: `seqx runs show {name} --json` has them all")


def delete(
    *,
    name: RunPath,
    checkpoints: Annotated[
        bool, Option("--checkpoints", help="Delete the checkpoints alone: the model stays usable.")
    ] = False,
    yes: Annotated[bool, Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a run, or its checkpoints. It says what would be lost and asks; a run in use is refused."""
    from seq2seq.errors import RunError
    from seq2seq.run import Run, found, removal, root

    run = Run(found(name))
    if not run.path.is_dir():
        raise RunError(f"no run folder {name}, and no {root() / name}")
    if (owner := run.owner()) is not None:
        raise RunError(f"{run.path} is in use by process {owner or 'unknown'}; wait for its end")
    lost = removal.loss(run, checkpoints_only=checkpoints)
    if checkpoints and not lost.checkpoints:
        note(f"{run.path} has no checkpoints")
        return
    what = f"{lost.checkpoints} checkpoints of {run.path}" if checkpoints else f"{run.path}, {lost.files} files"
    if lost.weights:
        what += ", THE ONLY WEIGHTS of a run that has not finished" if checkpoints else ", its weights included"
    what += f" ({_megabytes(lost.bytes)})"
    if not yes:
        if not sys.stdin.isatty():
            options.usage_error(f"this would delete {what}; give --yes to do so without a question")
        report(f"Delete {what}? [y/N]")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            note("Nothing is deleted")
            raise typer.Exit(1)
    removal.remove(run, checkpoints_only=checkpoints)
    note(f"Deleted: {what}")


def average(
    *,
    name: RunPath,
    steps: Annotated[
        str, Option(metavar="N,N", help="Steps of the checkpoints to average; `seqx runs show RUN` lists them.")
    ],
    to: Annotated[Path, Option(metavar="NEW", help="Run folder to make.")],
) -> None:
    """Average checkpoints of a run, by their steps, into a new run with its CTranslate2 copy. Judge it with
    `seqx evaluate --run NEW`.
    """
    numbers = options.whole_numbers("--steps", steps)
    from seq2seq import tasks
    from seq2seq.lifecycle import averaging, summaries

    from . import export

    made = averaging.average(summaries.named(name), numbers, to)
    export.after_training(tasks.of(made.recipe()), made, None)
    note(f"Written: {made.path}. Judge it with: seqx evaluate --run {made.path}")


def _sorted(rows: list[Summary], column: str) -> list[Summary]:
    keys: dict[str, Callable[[Summary], Any]] = {
        **{key: attrgetter(key) for key in ("name", "task", "languages", "parent", "state")},
        "steps": lambda row: -row.step,
        "size": lambda row: -row.bytes,
    }
    names = {figure.name.lower() for row in rows for figure in row.scores}
    if column in keys:
        return sorted(rows, key=keys[column])
    if column == "when":
        return sorted(rows, key=lambda row: row.when, reverse=True)
    if rows and column not in names:
        options.usage_error(f"--sort {column}: use {', '.join([*_COLUMNS, *sorted(names)])}")
    return sorted(rows, key=lambda row: _goodness(row, column))


def _goodness(row: Summary, column: str) -> tuple[bool, float]:
    figure = next((figure for figure in row.scores if figure.name.lower() == column), None)
    if figure is None:
        return True, 0.0  # after all others
    return False, figure.value if figure.less_is_better else -figure.value


def _values(row: Summary) -> dict[str, Any]:
    scores = [figure._asdict() for figure in row.scores]
    for score in scores:
        del score["digits"]  # for people alone
    return {**asdict(row), "scores": scores}


def shown(figure: Figure) -> str:
    """A score with its interval."""
    digits, interval = figure.digits, ""
    if figure.low is not None and figure.high is not None:
        interval = f" ({figure.low:.{digits}f}-{figure.high:.{digits}f})"
    return f"{figure.name} {figure.value:.{digits}f}{interval}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _made(record: dict[str, Any]) -> str:
    weights = record.get("weights", {})
    return f"{weights['made']} of steps {', '.join(map(str, weights['steps']))}" if "steps" in weights else ""


def _origins(record: dict[str, Any]) -> list[str]:
    texts = record.get("corpora", {}).get("train", [])
    return [str(text["origin"]) for text in ([texts] if isinstance(texts, dict) else texts)]


_CELLS: dict[str, Callable[[Summary], str]] = {
    "name": lambda row: row.name,
    "task": lambda row: f"{row.task} {row.languages}".strip(),
    "parent": lambda row: row.parent,
    "steps": lambda row: f"{row.step:,}" + (f" of {row.steps:,}" if row.step < row.steps else ""),
    "state": lambda row: row.state,
    "score (95 %)": lambda row: shown(row.scores[0]) if row.scores else "",
    "size": lambda row: _megabytes(row.bytes),
    "when": lambda row: row.when[:10],
}

command.add(app, show)
command.add(app, delete)
command.add(app, average)
