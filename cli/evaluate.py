"""`seqx evaluate`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from . import options
from .printing import note, report, settings, show, show_json, to_json
from .progress import CommandLineFront

if TYPE_CHECKING:
    from seq2seq.run import Run
    from seq2seq.tasks.opening import EngineChoice
    from seq2seq.tasks.task import Evaluated, Task, TestText


def evaluate(
    *,
    context: typer.Context,
    run_folder: options.RunFolder = None,
    input: Annotated[
        list[Path] | None,
        Option(
            "--input",
            "-i",
            help="For a language model: text to evaluate it on; for a classifier: files of texts with labels; "
            "repeatable. For a translator: JSON lines with source, target and, for scores by kind of text, kind.",
        ),
    ] = None,
    source_file: options.SourceFile = None,
    target_file: Annotated[
        list[Path] | None, Option(help="References, line by line; repeat it for several sets of references.")
    ] = None,
    sacrebleu: Annotated[
        str | None, Option(metavar="NAME", help="A sacreBLEU test set, for example wmt14 or multi30k/2016.")
    ] = None,
    beam_size: options.BeamSize = None,
    length_penalty: options.LengthPenalty = None,
    sentences: options.Sentences = "auto",
    output: Annotated[
        Path | None,
        Option(
            "--output", "-o", help="Also write the translations to this file, one per line.", callback=options.writable
        ),
    ] = None,
    checkpoint: Annotated[
        int | None,
        Option(min=0, help="Evaluate the checkpoint of this step, by PyTorch; `seqx runs show RUN` lists them."),
    ] = None,
    as_json: options.Json = False,
    columns: options.Columns = None,
    text: options.Text,
    engine: options.EngineOptions,
) -> None:
    """Translate a test set and score it: BLEU, chrF2 and TER by sacreBLEU, with signatures and 95 % bootstrap
    intervals. A language model is evaluated by its loss: nats per token, perplexity, bits per byte; a classifier by
    accuracy and macro-F1 with intervals, each class, the confusion matrix, calibration and its most wrong texts.

    Default: the test set of the run's recipe. Scores and translations are stored in the run folder, under
    `evaluations`: one entry for each text and combination of options.
    """
    if bool(source_file) != bool(target_file):
        options.usage_error("--source-file and --target-file go together; one of them is missing")
    if source_file and sacrebleu:
        options.usage_error(f"both --source-file {source_file} and --sacrebleu {sacrebleu} were given; give one")
    if beam_size == 1:
        options.refuse_given(context, "length_penalty", because="--beam-size 1 keeps one hypothesis, and ranks nothing")
    from seq2seq import tasks
    from seq2seq.evaluation import kept
    from seq2seq.lifecycle import summaries
    from seq2seq.tasks.task import TestText

    from .console import Console

    reading = text.reading(columns)
    if checkpoint is not None and run_folder is not None:
        run = summaries.named(run_folder)  # which need not be finished
    else:
        run = options.open_run(run_folder, "evaluate")
    task = tasks.of(run.recipe())
    run.record()  # a damaged record is reported before the work
    if message := task.misused("evaluate", options.given(context), run):
        options.usage_error(message)
    if not (input or source_file or sacrebleu):
        run.must_have_test_set()
    test = TestText(tuple(input or ()), source_file, tuple(target_file or ()), sacrebleu, reading)
    choice = replace(engine.choice(), beam_size=beam_size, length_penalty=length_penalty, sentences=sentences)
    # A result that cannot be written must not prevent the others.
    failed: list[str] = []
    for evaluated in _evaluated(run, checkpoint, task, test, choice):
        name = evaluated.record["set"]
        with _collecting(failed):
            if not as_json:
                for line in task.score_lines(name, evaluated.record):
                    Console().print(line)
            elif task.evaluates_several:
                show(to_json(evaluated.record))
            else:
                show_json(evaluated.record)
            sys.stdout.flush()
        with _collecting(failed):
            if output and evaluated.outputs is not None:
                with options.written(output) as file:
                    file.writelines((line + "\n").encode() for line in evaluated.outputs)
        with _collecting(failed):
            path = kept.keep(
                run, evaluated.record, evaluated.checksum(), evaluated.how, evaluated.files, evaluated.outputs
            )
            if path is not None:
                note(f"Translations: {path}")
    for message in filter(None, dict.fromkeys(failed)):
        report(f"seqx: {message}")
    if failed:
        raise typer.Exit(1)


def _evaluated(
    run: Run, checkpoint: int | None, task: Task[Any], test: TestText, choice: EngineChoice
) -> Iterator[Evaluated]:
    """The results of a run, or of one of its checkpoints."""
    if checkpoint is None:
        yield from task.evaluate(run, test, choice, CommandLineFront())
        return
    from seq2seq.lifecycle import averaging

    if choice.engine == "ctranslate2":
        options.usage_error("--checkpoint is evaluated by PyTorch: leave out --engine ctranslate2")
    with averaging.opened(run, checkpoint) as opened:
        for evaluated in task.evaluate(opened, test, replace(choice, engine="torch"), CommandLineFront()):
            yield replace(evaluated, how={**evaluated.how, "checkpoint": checkpoint})


@contextmanager
def _collecting(failed: list[str]) -> Iterator[None]:
    """Collect write errors in `failed` instead of raising them, so that the remaining work is done."""
    from seq2seq.errors import SeqxError

    try:
        yield
    except BrokenPipeError:
        failed.append("")  # the reader has closed the pipe
    except (SeqxError, OSError) as error:
        if settings["debug"]:
            raise
        if isinstance(error, OSError):
            failed.append(f"cannot write {error.filename or 'the results'}: {error.strerror or error}")
        else:
            failed.append(f"the scores above were not saved: {error}")
