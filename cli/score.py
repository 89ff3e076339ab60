"""`seqx score`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from . import options, progress
from .printing import to_json

_WINDOW = 2000


def score(
    source_file: Annotated[Path, typer.Option("--source-file", help="Source sentences, one per line.")],
    target_file: Annotated[Path, typer.Option("--target-file", help="Target sentences, line by line.")],
    run_folder: options.RunFolder = None,
    output: options.Output = None,
    length_penalty: Annotated[
        float | None,
        typer.Option("--length-penalty", min=0, max=10, help="Length penalty (GNMT's alpha). Default: the recipe's."),
    ] = None,
    sentences: options.Sentences = "auto",
    as_json: options.Json = False,
    encoding: options.Encoding = "utf-8",
    encoding_errors: options.EncodingErrors = "strict",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    device: options.Device = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Score given translations by forced decoding: one score per line, the same that `seqx translate --json` reports
    for that translation.

    A score is the log-probability (natural logarithm) divided by the length penalty, in float32 unless --precision is
    given; --json adds the scores of the tokens. A line that is translated sentence by sentence is also scored so if
    both sides have the same number of sentences, else as a whole. A line that is blank on one side or too long for the
    model has no score: `nan`, null in JSON.
    """
    reading = options.reading(encoding, encoding_errors)
    options.engine(engine, precision)
    options.sentences(sentences)
    from seq2seq.data.lines import read_lines, read_pairs
    from seq2seq.tasks.opening import EngineChoice, open_translator

    run = options.open_run(run_folder, "score", quiet=quiet)
    pairs = read_pairs(source_file, target_file, reading)
    precision = "float32" if precision == "auto" else precision
    choice = EngineChoice(engine, precision, device, length_penalty=length_penalty, sentences=sentences)
    opened = open_translator(run, choice)
    if opened.missing:
        options.note(f"NOTE: {opened.missing}", quiet=quiet)
    without = 0
    hidden = quiet or (output is None and sys.stdout.isatty())
    with (
        options.written(output) as file,
        progress.watched(opened.translator, lambda: read_lines(source_file, reading), quiet=hidden) as counted,
        progress.reporting_interruption(output, counted),
    ):
        while group := list(islice(pairs, _WINDOW)):
            for (source, target), scored in zip(group, opened.translator.score(*zip(*group))):
                counted.lines += 1
                without += scored is None
                row = {"source": source, "target": target, **({"score": None} if scored is None else asdict(scored))}
                row.pop("text", None)
                shown = to_json(row) if as_json else "nan" if scored is None else f"{scored.score:.4f}"
                file.write((shown + "\n").encode())
            file.flush()
    if without:
        options.note(f"{without:,} lines have no score: blank on a side, or longer than the model takes", quiet=quiet)
