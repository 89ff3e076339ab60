"""`seqx classify`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument

from . import options
from .printing import note, to_json
from .translate import line_groups

if TYPE_CHECKING:
    from seq2seq.decoding.classification import Classified
    from seq2seq.tasks.opening import OpenedClassifier


def classify(
    *,
    context: typer.Context,
    text: Annotated[
        list[str] | None, Argument(help="Text to classify, each argument a line. Default: --input or standard input.")
    ] = None,
    run_folder: options.RunFolder = None,
    input: options.Input = None,
    output: options.Output = None,
    as_json: options.Json = False,
    files: options.Text,
    engine: options.Engine,
) -> None:
    """Classify text line by line: line i of the output is the class of line i of the input, a tab, and its probability;
    an empty line stays empty. A model of two texts reads both from one line, with a tab between them.

    --json prints one object per line: text (or text_a, text_b), label, probability, probabilities (of every class),
    cut (whether the end was too long for the model, and not read), seconds.
    """
    if text == ["-"]:
        text, input = None, input or options.STANDARD_INPUT
    if text and input:
        options.usage_error(f"both text ({text[0]!r}) and --input {input} were given; give one")
    reading = files.reading()
    if text:
        options.refuse_given(context, "encoding", "encoding_errors", because="no file is read")
    options.must_be_text(*(text or ()))
    from seq2seq.tasks.opening import open_classifier

    run = options.open_run(run_folder, "classify")
    groups = line_groups(text, input, reading)
    if groups is None:
        options.usage_error("no text to classify: give text, --input FILE or a pipe")
    opened = open_classifier(run, engine.choice())
    start, count, too_long = time.perf_counter(), 0, 0
    with options.written(output) as file:
        for classified, seconds in _classified(opened, groups, len(run.recipe().data.text.split(","))):
            file.write((_json(classified, seconds) if as_json else _line(classified)).encode("utf-8", "replace"))
            count += 1
            too_long += classified.cut
            if seconds is not None:
                file.flush()
    if too_long:
        note(f"{too_long:,} lines are longer than the model reads: their ends were not read")
    if output:
        note(f"Written: {output}")
    taken = time.perf_counter() - start
    note(f"{count:,} lines in {taken:.2f} s, {count / taken:,.0f} lines/s, by {opened.engine}")


def _classified(
    opened: OpenedClassifier, groups: Iterator[list[str]], texts: int
) -> Iterator[tuple[Classified, float | None]]:
    """Each line classified, with the seconds that it took. Raises DataError where a line has not as many texts as the
    model reads."""
    from seq2seq.errors import DataError

    number = 0
    for group in groups:
        start = time.perf_counter()
        rows = [tuple(line.split("\t")) if texts > 1 else (line,) for line in group]
        for number, row in enumerate(rows, start=number + 1):
            if len(row) != texts and any(row):
                raise DataError(
                    f"line {number:,}: {len(row)} texts, and the model reads {texts}: put a tab between them"
                )
        done = opened.classifier.classify([row if len(row) == texts else ("",) * texts for row in rows])
        seconds = (time.perf_counter() - start) / len(group)
        yield from ((each, seconds) for each in done)


def _line(classified: Classified) -> str:
    return f"{classified.label}\t{classified.probability:.4f}\n" if classified.label is not None else "\n"


def _json(classified: Classified, seconds: float | None) -> str:
    names = ("text",) if len(classified.texts) == 1 else ("text_a", "text_b")
    row = {
        **dict(zip(names, classified.texts)),
        "label": classified.label,
        "probability": classified.probability,
        "probabilities": classified.probabilities,
        "cut": classified.cut,
        "seconds": round(seconds or 0, 6),
    }
    return to_json(row) + "\n"
