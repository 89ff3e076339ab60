"""The report of one run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seq2seq import tasks
from seq2seq.errors import RunError, SeqxError
from seq2seq.evaluation.parts import AttentionMaps, Page, PageSection, Paragraph, Table
from seq2seq.lifecycle.summaries import Summary, summary
from seq2seq.report import numbers, provenance, training
from seq2seq.report.page import html
from seq2seq.run import Run, refuse_strange_files
from seq2seq.storage.atomic import write_bytes
from seq2seq.tasks import forgetting, reporting
from seq2seq.tasks.task import Task

NAME = "report.html"  # in the run folder
_DAMAGED = (SeqxError, OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def report(run: Run, attention: Sequence[AttentionMaps] = ()) -> str:
    """The page of a run, whatever state it is in, with the attention of some texts: what it has no files for is left
    out. Raises RunError where it is no run folder, has links that lead out of it, or its record is damaged."""
    return html(page(run, attention))


def page(run: Run, attention: Sequence[AttentionMaps] = ()) -> Page:
    """The same, as its parts."""
    refuse_strange_files(run.path)
    own, record = run.recipe(), run.record()
    seen = summary(run, run.path.absolute().name)
    if seen.problem:
        raise RunError(seen.problem)
    task = tasks.of(own)
    made: list[Callable[[], Iterable[PageSection]]] = [
        lambda: _scores(task, record),
        lambda: training.sections(run, task.predicted),
        lambda: task.report_sections(run),
        lambda: [PageSection("Attention", attention)],
        lambda: [PageSection("Text", list(provenance.text(record)))],
        lambda: [
            PageSection("Lineage", [*provenance.lineage(record), *map(Paragraph, forgetting.lines(task, record))])
        ],
        lambda: [PageSection("Recipe", list(provenance.recipe(own)))],
        lambda: [PageSection("Machine and versions", list(provenance.machine(record)))],
        lambda: [PageSection("Repeat it", list(provenance.repeated(run, own, record)))],
        lambda: [provenance.every_figure(record)],
    ]
    sections, damaged = [], []
    for each in made:
        try:
            for section in each():
                sections.append(section)  # also those before an error
        except _DAMAGED as error:
            damaged.append(Paragraph(f"{type(error).__name__}: {error}"))
    sections.append(PageSection("Left out, because files are damaged", damaged))
    return Page(seen.name, f"training report of {task.described(run)}", list(_summary(seen, record)), sections)


def write(run: Run, attention: Sequence[AttentionMaps] = ()) -> Path:
    """Put the page into the run folder, whole or not at all. Raises as `report` does, and where it cannot be
    written."""
    contents = report(run, attention).encode("utf-8", "backslashreplace")
    with run.writing():
        write_bytes(run.path / NAME, contents)
    return run.path / NAME


def _summary(seen: Summary, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for figure in seen.scores[:1]:
        known = figure.low is not None and figure.high is not None
        interval = f" ({numbers.shown(figure.low)}–{numbers.shown(figure.high)})" if known else ""
        yield f"{figure.name}, test", numbers.shown(figure.value) + interval
    yield "state", "finished" if record.get("finished") else seen.state  # judging has it in use, and writes this page
    yield "updates", f"{seen.step:,}" + (f" of {seen.steps:,}" if seen.step < seen.steps else "")
    if seconds := (record.get("finished") or {}).get("seconds"):
        yield "training time", numbers.duration(seconds)
    if seen.when:
        yield "when", seen.when[:10]


def _scores(task: Task[Any], record: Mapping[str, Any]) -> Iterator[PageSection]:
    for name, scores in sorted((record.get("scores") or {}).items(), key=lambda each: each[0] != "test"):
        title = "Scores" if name == "test" else f"Scores: {name}"
        yield PageSection(title, list(task.score_parts(scores)))
    rows: list[Table] = []
    for each in (record.get("evaluations") or {}).values():
        caption = ", ".join([str(each.get("set", "")), *map(str, each.get("files", ())), str(each.get("time", ""))])
        rows.append(reporting.figures(task.figures(each), caption))
    yield PageSection("Later evaluations", rows)
