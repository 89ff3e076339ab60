"""`seqx compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from seq2seq.errors import RunError

from . import options
from .printing import note, show, show_json
from .progress import CommandLineFront


def compare(
    *,
    context: typer.Context,
    first: Annotated[
        Path | None, Argument(metavar="RUN_A", help="Run folder: the baseline. With --all: the folder of the runs.")
    ] = None,
    second: Annotated[Path | None, Argument(metavar="RUN_B", help="Run folder to compare with the baseline.")] = None,
    source_file: options.SourceFile = None,
    target_file: options.TargetFile = None,
    most: Annotated[int, Option(min=0, help="Number of sentences to show that became better, and worse.")] = 5,
    as_json: options.Json = False,
    html: Annotated[
        bool, Option("--html", help="Write the comparison as a page, with the curves and recipes of both runs.")
    ] = False,
    every: Annotated[
        bool, Option("--all", help="Write a page with a table of all runs of a folder, by default runs/, instead.")
    ] = False,
    output: Annotated[
        Path | None, options.file_to_write("Page to write. Default: comparison.html, or runs.html of --all.")
    ] = None,
    text: options.Text,
    device: options.Device = "auto",
    threads: options.Threads = None,
) -> None:
    """Compare two runs on one test set: is the difference significant, and what changed?

    Translators of one direction: sacreBLEU's paired bootstrap test, and the sentences that changed most. Language
    models: bits per byte, with a paired bootstrap test over documents, or over chunks of a single document. Default:
    the test set of RUN_A. Each run is evaluated with its default engine, as `seqx evaluate` does.
    """
    if every:
        _write_overview(context, first, output or Path("runs.html"))
        return
    if first is None or second is None:
        options.usage_error("name two runs to compare: seqx compare RUN_A RUN_B; or all of a folder with --all")
    if not html:
        options.refuse_given(context, "output", because="it is the page of --html")
    if bool(source_file) != bool(target_file):
        options.usage_error("--source-file and --target-file go together; one of them is missing")
    reading = text.reading()
    if not source_file:
        options.refuse_given(context, "encoding", "encoding_errors", because="no file is given")
    from seq2seq import tasks
    from seq2seq.tasks.task import TestText

    runs = [tasks.open_run(path, "compare") for path in (first, second)]
    task, other = (tasks.of(run.recipe()) for run in runs)
    if task.does != other.does:
        raise RunError(
            f"{first} {task.does}, {second} {other.does}: name two runs that do the same; `seqx evaluate` judges each "
            "by itself"
        )
    if not source_file:
        runs[0].must_have_test_set()
    if message := task.misused("compare", options.given(context), runs[0]):
        options.usage_error(message)
    test = TestText((), source_file, (target_file,) if target_file else (), reading=reading)
    comparison = task.compare(runs, test, device, most, CommandLineFront())
    if html:
        from seq2seq.report.of_runs import compared

        _write(output or Path("comparison.html"), compared(runs, comparison))
    if as_json:
        show_json(comparison.record())
    elif not html:
        for line in comparison.lines(first, second):
            show(line)


def _write_overview(context: typer.Context, folder: Path | None, output: Path) -> None:
    """The page of all runs. Usage error where options of two runs were given."""
    from seq2seq.report.of_runs import overview
    from seq2seq.run import root

    others = [
        name for name in options.given(context) if name not in ("every", "html", "output", "first", "debug", "quiet")
    ]
    options.refuse_given(context, *others, because="--all shows all runs of a folder")
    _write(output, overview(folder or root()))


def _write(output: Path, page: str) -> None:
    with options.written(output) as file:
        file.write(page.encode("utf-8", "backslashreplace"))
    note(f"Written: {output}")
