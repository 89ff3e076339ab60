"""`seqx report`, and the report at the end of training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from . import options
from .printing import note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seq2seq.run import Run
    from seq2seq.training.session import Event


def report(
    *,
    name: Annotated[
        Path | None,
        Argument(metavar="RUN", help="Run folder, its name under runs/, or a pack. Default: the newest finished run."),
    ] = None,
    output: Annotated[
        Path | None,
        options.file_to_write("File to write. Default: report.html in the run folder; of --csv, standard output."),
    ] = None,
    open_it: Annotated[bool, Option("--open", help="Show the page in the browser.")] = False,
    as_csv: Annotated[bool, Option("--csv", help="The curves as CSV instead.")] = False,
) -> None:
    """Put all that is known of a run on one HTML page that needs no network: scores, curves, samples, sentences, text,
    recipe, machine. A run that was stopped, or is being trained, can be looked at too.

    Training puts the same page into the run folder at its end.
    """
    if as_csv and open_it:
        options.usage_error("--open shows the page, and --csv makes none; give one of them")
    from seq2seq.lifecycle import summaries
    from seq2seq.report import curves
    from seq2seq.report import of_run as reports
    from seq2seq.report.attended import attended

    run = options.open_run(None, "report") if name is None else summaries.named(name)
    if as_csv:
        with options.written(output) as file:
            file.write(curves.table(run).encode())
        if output is not None:
            note(f"Written: {output}")
        return
    if output is None:
        path = reports.write(run, attended(run))
    else:
        path = output
        contents = reports.report(run, attended(run))
        with options.written(output) as file:
            file.write(contents.encode("utf-8", "backslashreplace"))
    note(f"Written: {path}")
    if open_it:
        _show(path)


def after_training(run: Run, *, again: bool) -> None:
    """Write the report of a finished run, where there is none or it is to be written again. If this fails, the run is
    complete all the same."""
    from seq2seq.report import of_run as reports
    from seq2seq.report.attended import attended

    if (run.path / reports.NAME).is_file() and not again:
        return
    try:
        note(f"Report: {reports.write(run, attended(run))}")
    except Exception as error:
        note(f"NOTE: no report ({error}); `seqx report {run.path}` tries again")


def must_have_tensorboard() -> None:
    """Usage error where it is not installed."""
    from importlib.util import find_spec

    if find_spec("tensorboard") is None:
        options.usage_error('--tensorboard: it is not installed; pip install "seqx[tensorboard]"')


def with_event_files(events: Iterator[Event], run: Run) -> Iterator[Event]:
    """The same events; the event files of TensorBoard grow at each validation."""
    from seq2seq.report.curves import EventFiles
    from seq2seq.training.loop import Progress

    files = EventFiles(run)

    def passed_on() -> Iterator[Event]:
        for event in events:
            if not isinstance(event, Progress):
                files.write()
            yield event

    return passed_on()


def _show(path: Path) -> None:
    import webbrowser

    if not webbrowser.open(path.absolute().as_uri()):
        note(f"NOTE: no browser was found here; open {path} in one")
