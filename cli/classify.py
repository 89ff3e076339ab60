"""`seqx classify`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument

from . import options
from .printing import note, to_json
from .translate import line_groups

if TYPE_CHECKING:
    from seq2seq.decoding.classification.classify import Classified


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
    engine: options.EngineOptions,
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
    run = options.open_run(run_folder, "classify")
    groups = line_groups(text, input, reading)
    if groups is None:
        options.usage_error("no text to classify: give text, --input FILE or a pipe")
    from seq2seq.tasks.classification_opening import open_classifier

    opened = open_classifier(run, engine.choice())
    if opened.missing:
        note(f"NOTE: {opened.missing}")
    begun, count, too_long = time.perf_counter(), 0, 0
    with options.written(output) as file:
        for group in groups:
            start = time.perf_counter()
            texts = [_texts(line, count + place, opened.texts) for place, line in enumerate(group)]
            done = opened.classifier.classify(texts)
            seconds = (time.perf_counter() - start) / len(group)
            for classified in done:
                file.write((_json(classified, seconds) if as_json else _line(classified)).encode("utf-8", "replace"))
            file.flush()
            count += len(done)
            too_long += sum(classified.cut for classified in done)
    if too_long:
        note(f"{too_long:,} lines are longer than the model reads: their ends were not read")
    if output:
        note(f"Written: {output}")
    taken = time.perf_counter() - begun
    note(f"{count:,} lines in {taken:.2f} s, {count / taken:,.0f} lines/s, by {opened.engine}")


def _texts(line: str, before: int, count: int) -> tuple[str, ...]:
    """The texts of a line, which `before` others precede. Raises DataError where there are not `count` of them; a blank
    line has blank ones."""
    from seq2seq.errors import DataError

    texts = tuple(line.split("\t")) if count > 1 and line.strip() else (line,) * count
    if len(texts) != count:
        raise DataError(
            f"line {before + 1:,}: {len(texts)} {'text' if len(texts) == 1 else 'texts'}, and the model reads {count}: "
            "put a tab between them"
        )
    return texts


def _line(classified: Classified) -> str:
    return f"{classified.label}\t{classified.probability:.4f}\n" if classified.label is not None else "\n"


def _json(classified: Classified, seconds: float) -> str:
    names = ("text",) if len(classified.texts) == 1 else ("text_a", "text_b")
    row = {
        **dict(zip(names, classified.texts)),
        "label": classified.label,
        "probability": classified.probability,
        "probabilities": classified.probabilities,
        "cut": classified.cut,
        "seconds": round(seconds, 6),
    }
    return to_json(row) + "\n"
