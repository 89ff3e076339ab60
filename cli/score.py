"""`seqx score`."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from . import options, progress, rewards
from .printing import note, to_json

_WINDOW = 2000
_REWARDS = "a reward model gives each line one number, by PyTorch in float32"


def score(
    *,
    context: typer.Context,
    source_file: Annotated[Path, Option(help="Source sentences, one per line.")],
    target_file: Annotated[Path, Option(help="Target sentences, line by line.")],
    run_folder: options.RunFolder = None,
    output: options.Output = None,
    length_penalty: options.LengthPenalty = None,
    sentences: options.Sentences = "auto",
    as_json: options.Json = False,
    text: options.Text,
    engine: options.EngineOptions,
) -> None:
    """Score given translations by forced decoding, or prompts (--source-file) with their completions (--target-file) by
    a reward model.

    Of a translator: one score per line, the same that `seqx translate --json` reports for that translation.

    A score is the log-probability (natural logarithm) divided by the length penalty, in float32 unless --precision is
    given; --json adds the scores of the tokens. A line that is translated sentence by sentence is also scored so if
    both sides have the same number of sentences, else as a whole. A line that is blank on one side or too long for the
    model has no score: `nan`, null in JSON.
    """
    from seq2seq.data.lines import read_lines, read_pairs
    from seq2seq.tasks.reward_run import is_reward_model
    from seq2seq.tasks.translation_opening import open_translator

    reading = text.reading()
    run = options.open_run(run_folder, "score")
    pairs = read_pairs(source_file, target_file, reading)
    if is_reward_model(run):
        options.refuse_given(context, "length_penalty", "sentences", "engine", "precision", because=_REWARDS)
        rewards.score(run, pairs, output, as_json, engine.device)
        return
    # A pack has one precision.
    precision = "float32" if engine.precision == "auto" and not run.packed else engine.precision
    choice = replace(engine.choice(), precision=precision, length_penalty=length_penalty, sentences=sentences)
    opened = open_translator(run, choice)
    if opened.missing:
        note(f"NOTE: {opened.missing}")
    without = 0
    hidden = output is None and sys.stdout.isatty()
    with (
        options.written(output) as file,
        progress.watched(opened.translator, lambda: read_lines(source_file, reading), hidden=hidden) as counted,
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
        note(f"{without:,} lines have no score: blank on a side, or longer than the model takes")
