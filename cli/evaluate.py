"""`seqx evaluate`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options, processes, progress
from .printing import show, show_json, to_json

if TYPE_CHECKING:
    from seq2seq.data.lines import Reading
    from seq2seq.run import Run


def evaluate(
    context: typer.Context,
    run: options.RunFolder = None,
    input: Annotated[
        list[Path] | None,
        typer.Option("--input", "-i", help="For a language model: text to evaluate it on; repeatable."),
    ] = None,
    source_file: options.SourceFile = None,
    target_file: Annotated[
        list[Path] | None,
        typer.Option("--target-file", help="References, line by line; repeat it for several sets of references."),
    ] = None,
    sacrebleu: Annotated[
        str | None,
        typer.Option("--sacrebleu", metavar="NAME", help="A sacreBLEU test set, for example wmt14 or multi30k/2016."),
    ] = None,
    beam_size: Annotated[
        int | None, typer.Option("--beam-size", min=1, max=1000, help="Default: the recipe's.")
    ] = None,
    length_penalty: Annotated[
        float | None, typer.Option("--length-penalty", min=0, max=10, help="Default: the recipe's.")
    ] = None,
    sentences: options.Sentences = "auto",
    output: options.OutputToo = None,
    as_json: options.Json = False,
    columns: options.Columns = None,
    encoding: options.Encoding = "utf-8",
    encoding_errors: options.EncodingErrors = "strict",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    device: options.Device = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Translate a test set and score it: BLEU, chrF2 and TER by sacreBLEU, with signatures and 95 % bootstrap
    intervals. A language model is evaluated by its loss: nats per token, perplexity, bits per byte.

    Default: the test set of the run's recipe. Scores and translations are stored in the run folder, under
    `evaluations`: one entry for each text and combination of options.
    """
    if bool(source_file) != bool(target_file):
        options.usage_error("--source-file and --target-file go together; one of them is missing")
    if source_file and sacrebleu:
        options.usage_error(f"both --source-file {source_file} and --sacrebleu {sacrebleu} were given; give one")
    if beam_size == 1:
        options.refuse_given(context, "length_penalty", because="--beam-size 1 keeps one hypothesis, and ranks nothing")
    reading = options.reading(encoding, encoding_errors, columns)
    options.engine(engine, precision)
    options.sentences(sentences)
    quiet = quiet or not processes.main()
    from seq2seq.decoding.open import EngineChoice, open_translator
    from seq2seq.evaluation import judge as judging

    from .console import Console
    from .screen import show_scores

    folder = options.open_run(run, "evaluate", quiet=quiet)
    recipe = folder.recipe()
    folder.record()  # what cannot be added to later is said now
    if recipe.data.form == "text":
        others = ("source_file", "target_file", "sacrebleu", "beam_size", "length_penalty", "output", "engine")
        of_text = f"{folder.path} is a model of running text: it takes --input, and translates nothing"
        options.refuse_given(context, *others, "precision", "sentences", because=of_text)
        if not input:
            options.refuse_given(context, "columns", "encoding", "encoding_errors", because="no file is given")
        _foretell(folder, input or [], device, as_json, reading, quiet)
        return
    if input:
        options.usage_error(f"{folder.path} is a translator: it takes --source-file and --target-file, not --input")
    options.refuse_given(context, "columns", because=f"{folder.path} is a translator: it takes --source-file")
    if not source_file:
        options.refuse_given(context, "encoding", "encoding_errors", because="no file is given")
    if source_file and target_file:
        name, test_set = source_file.stem, judging.read_files(source_file, target_file, reading)
        files = [source_file, *target_file]
    elif sacrebleu:
        name, test_set, files = sacrebleu, judging.read_sacrebleu(sacrebleu, recipe.data), []
    else:
        name, test_set, files = "test", judging.read_set(folder), []
    choice = EngineChoice(
        engine,
        precision,
        processes.device(device),
        beam_size,
        length_penalty,
        sentences=sentences,
    )
    opened = open_translator(folder, choice)
    if opened.missing:
        options.note(f"NOTE: {opened.missing}", quiet=quiet)
    options.note(
        (
            f"{folder.path} on {name}: {len(test_set):,} sentences, beam {opened.options.beam_size}, alpha "
            f"{opened.options.length_penalty}, by {opened.engine}"
        ),
        quiet=quiet,
    )
    with (
        processes.sharing(opened.translator, quiet=quiet) as shared,
        progress.watched(shared, len(test_set), quiet=quiet) as translator,
    ):
        if not processes.main():
            for _ in translator.stream([sentence.source for sentence in test_set]):
                pass
            return
        judged = judging.judge(translator, test_set, (opened.source, opened.target), name)
    # What cannot be written, or is not read to its end, loses nothing else.
    failed: list[str] = []
    with _told(failed):
        if as_json:
            show_json(judged.record())
        else:
            show_scores(Console(), name, judged.record())
        sys.stdout.flush()
    with _told(failed):
        if output:
            with options.written(output) as file:
                file.writelines((line + "\n").encode() for line in judged.translations)
    with _told(failed):
        kept = judging.keep_evaluation(folder, judged, opened.options, opened.engine, files, sentences=sentences)
        options.note(f"Translations: {kept}", quiet=quiet)
    _end(failed)


def _foretell(folder: Run, files: list[Path], device: str, as_json: bool, reading: Reading, quiet: bool) -> None:
    """The loss on the run's test text, or on files, each by itself."""
    from seq2seq import device as devices
    from seq2seq.data.documents import DocumentKind
    from seq2seq.evaluation import fluency, kept
    from seq2seq.training.prepare import fluency_of

    from .console import Console
    from .screen import show_scores

    recipe = folder.recipe()
    choice = devices.choose(processes.device(device), recipe.training.precision)
    kind = DocumentKind(recipe.data)
    texts = [(file.name, kind.files([file], reading), [file]) for file in files]
    failed: list[str] = []
    with processes.together(quiet=quiet) as all_of_them:
        for name, text, sources in texts or [("test", fluency.read_set(folder), [])]:
            found = fluency_of(folder, text, choice, name, all_of_them)
            if not processes.main():
                continue
            with _told(failed):
                if as_json:
                    show(to_json(found.record()))
                else:
                    show_scores(Console(), name, found.record())
                sys.stdout.flush()
            with _told(failed):
                kept.keep(folder, found.record(), text.checksum(), {"engine": f"PyTorch, {choice}"}, sources)
    _end(failed)


@contextmanager
def _told(failed: list[str]) -> Iterator[None]:
    """Add what cannot be written to `failed`, so that what else there is to do is done."""
    from seq2seq.errors import SeqxError

    try:
        yield
    except BrokenPipeError:
        failed.append("")  # whoever reads has enough
    except (SeqxError, OSError) as error:
        if options.settings["debug"]:
            raise
        if isinstance(error, OSError):
            failed.append(f"cannot write {error.filename or 'the results'}: {error.strerror or error}")
        else:
            failed.append(f"the scores above are not kept: {error}")


def _end(failed: list[str]) -> None:
    """Say what could not be written; end with exit code 1 where there is anything."""
    for message in filter(None, dict.fromkeys(failed)):
        options.note(f"seqx: {message}")
    if failed:
        raise typer.Exit(1)
