"""`seqx sweep`."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from . import options
from .printing import note, report, settings, show_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seq2seq.lifecycle.sweep import SettingResult


def sweep(
    *,
    context: typer.Context,
    recipe_name: options.Recipe,
    changes: Annotated[
        list[str] | None,
        Option(
            "--set",
            "-s",
            metavar="SECTION.KEY=VALUE,VALUE",
            help="Values to try, with commas between them; repeatable.",
        ),
    ] = None,
    seeds: Annotated[str, Option(metavar="N,N", help="Seeds: each setting is trained once with each.")] = "1",
    minutes: Annotated[
        float | None, Option(min=0.01, help="Train each run for this long, as `seqx train` does.")
    ] = None,
    to: Annotated[Path | None, Option(metavar="DIR", help="Folder of the runs. Default: runs/sweep-<recipe>.")] = None,
    as_json: options.Json = False,
    more: Annotated[
        list[str] | None, Argument(metavar="-- OPTIONS", help="Options of `seqx train` for all runs, after --.")
    ] = None,
) -> None:
    """Train a recipe with each combination of values, for each seed, one after another, and compare the results: mean
    and range over the seeds and, for translators, paired bootstrap tests against the first combination.

    The same command resumes a stopped sweep; with more values or seeds it adds their runs. A run that fails is
    reported, and the others are trained.

    Example: seqx sweep --recipe fr-en --set model.norm=pre,post --seeds 1,2,3 --minutes 5 -- --device cpu
    """
    from seq2seq.errors import RunError
    from seq2seq.lifecycle import sweep as sweeps
    from seq2seq.recipe import files as recipe_files
    from seq2seq.run import Run, root

    grid = sweeps.cells(changes or [], options.whole_numbers("--seeds", seeds))
    loaded = [recipe_files.load(recipe_name, [*cell.changes, f"training.seed={cell.seed}"]) for cell in grid]
    folder = to or root() / f"sweep-{loaded[0].name}"
    train: Any = context.parent.command.commands["train"]  # type: ignore[union-attr]
    given = [*(["--minutes", str(minutes)] if minutes else []), *(more or [])]
    failed: list[str] = []
    for number, cell in enumerate(grid, start=1):
        note(f"\nRun {number} of {len(grid)}: {cell.name}")
        place = ["--recipe", recipe_name, "--run", str(folder / cell.name), "--seed", str(cell.seed)]
        sets = [word for change in cell.changes for word in ("--set", change)]
        try:
            with redirect_stdout(sys.stderr):
                code = train.main([*place, *sets, *given], prog_name="seqx train", standalone_mode=False)
        except RunError as error:
            if settings["debug"]:
                raise
            failed.append(f"{cell.name}: {error}")
            report(f"seqx: {failed[-1]}")
            continue
        if code:
            note(f"The same command resumes the sweep in {folder}.")
            raise typer.Exit(code)
    rows = list(sweeps.rows(grid, {cell: Run(folder / cell.name) for cell in grid}))
    if as_json:
        show_json({"folder": str(folder), "settings": [asdict(row) for row in rows], "failed": failed})
    else:
        _show(rows)
    if failed:
        raise typer.Exit(1)


def _show(rows: Sequence[SettingResult]) -> None:
    from .console import Console, figures

    names = next(([spread.name for spread in row.figures] for row in rows if row.figures), [])
    tested = any(row.p_values and any(row.p_values.values()) for row in rows)
    lines = []
    for row in rows:
        cells = {spread.name: f"{spread.mean:.2f} ({spread.low:.2f}-{spread.high:.2f})" for spread in row.figures}
        against = f"better in {row.better}, worse in {row.worse} of {len(row.seeds)}" if row.p_values else ""
        lines.append([row.setting, str(len(row.seeds)), *(cells.get(name, "") for name in names), against])
    console = Console()
    console.print(figures(["setting", "runs", *names, "p < 0.05" if tested else ""], lines))
    console.print("\nMean (lowest-highest) over the seeds.", end="" if tested else "\n")
    if tested:
        console.print(
            f" p < 0.05: {names[0]} of runs with the same seed, against {rows[0].setting}, as `seqx compare`."
        )
