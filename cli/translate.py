"""`seqx translate`."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from . import options, processes, progress
from .lines import standard_input, windows
from .printing import printable, show, to_json

if TYPE_CHECKING:
    from seq2seq.data.lines import Reading
    from seq2seq.decoding.translation.outputs import Translation
    from seq2seq.tasks.opening import OpenedTranslator

_WINDOW = 2000  # lines translated together


def translate(
    context: typer.Context,
    text: Annotated[
        list[str] | None, typer.Argument(help="Text to translate. Default: --input, standard input, or a prompt.")
    ] = None,
    run_folder: options.RunFolder = None,
    input: options.Input = None,
    output: options.Output = None,
    beam_size: Annotated[
        int | None,
        typer.Option("--beam-size", min=1, max=1000, help="Beam size; 1 = greedy search. Default: the recipe's."),
    ] = None,
    length_penalty: Annotated[
        float | None,
        typer.Option(
            "--length-penalty",
            min=0,
            max=10,
            help="Length penalty (GNMT's alpha); higher = longer output. Default: the recipe's.",
        ),
    ] = None,
    n_best: Annotated[
        int,
        typer.Option(
            "--n-best",
            min=1,
            max=1000,
            help=(
                "Number of different translations per line, best first, in Moses' format: `line ||| text ||| "
                "score`, lines counted from 0. With --sample: as many draws, equal ones shown once."
            ),
        ),
    ] = 1,
    sample: Annotated[
        bool, typer.Option("--sample", help="Sample translations instead of searching for the most probable one.")
    ] = False,
    temperature: Annotated[
        float, typer.Option("--temperature", help="With --sample: above 0; lower = closer to greedy search.")
    ] = 1.0,
    top_k: Annotated[
        int, typer.Option("--top-k", min=0, help="With --sample: sample from the k most probable tokens; 0 = all.")
    ] = 0,
    top_p: Annotated[
        float,
        typer.Option(
            "--top-p", help="With --sample: sample from the smallest set of tokens with this total probability."
        ),
    ] = 1.0,
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            min=0,
            max=2**63 - 1,
            help="With --sample: random seed; a line's sample depends on the seed and its line number.",
        ),
    ] = 1,
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
    """Translate text line by line: line i of the output translates line i of the input, an empty line stays empty. A
    line without letters is copied.

    --json prints one object per line: source, translation, score, log_probability, pieces (tokens) with their
    token_scores, parts (translated separately), copied, seconds, alternatives. log_probability is the natural
    logarithm; score, which ranks, is divided by the length penalty. Both are in float32 unless --precision is given.
    """
    if text == ["-"]:
        text, input = None, input or options.STANDARD_INPUT
    if text and input:
        options.usage_error(f"both text ({text[0]!r}) and --input {input} were given; give one")
    if not 0 < temperature < math.inf or not 0 < top_p <= 1:
        options.usage_error(f"--temperature {temperature} and --top-p {top_p}: use above 0, and above 0 up to 1")
    if n_best > 1 and not sample and beam_size is not None and n_best > beam_size:
        options.usage_error(f"--n-best {n_best} needs a beam at least as large, not --beam-size {beam_size}")
    if not sample:
        options.refuse_given(context, "temperature", "top_k", "top_p", "seed", because="it needs --sample")
    if sample and top_k == 1:
        options.refuse_given(
            context, "temperature", "top_p", "seed", because="at --top-k 1 the most probable token is always chosen"
        )
    scored = as_json or n_best > 1
    if sample:
        options.refuse_given(context, "beam_size", because="--sample draws translations instead of searching")
    if not scored and (sample or beam_size == 1):
        options.refuse_given(context, "length_penalty", because="nothing is ranked, and no score is shown")
    reading = options.reading(encoding, encoding_errors)
    if text:
        options.refuse_given(context, "encoding", "encoding_errors", because="no file is read")
    options.engine(engine, precision)
    options.sentences(sentences)
    quiet = quiet or not processes.main()
    options.must_be_text("--input", *(text or ()))
    if processes.several() and (text or input is None or input == options.STANDARD_INPUT):
        options.usage_error("several processes translate one file: give --input FILE, and no text")
    from seq2seq.decoding.options import Sampling
    from seq2seq.decoding.translation.windows import numbered
    from seq2seq.tasks.opening import EngineChoice, open_translator

    run = options.open_run(run_folder, quiet=quiet)
    lines = line_groups(text, input, reading)
    if lines is None:
        options.refuse_given(
            context, "output", "as_json", because="the prompt prints to the terminal; give text, --input or a pipe"
        )
    opened = open_translator(
        run,
        EngineChoice(
            engine,
            precision,
            processes.device(device),
            beam_size,
            length_penalty,
            n_best,
            Sampling(temperature, top_k, top_p, seed) if sample else None,
            token_scores=scored,
            sentences=sentences,
        ),
    )
    if opened.missing:
        options.note(f"NOTE: {opened.missing}", quiet=quiet)
    if lines is None:
        _converse(opened, run.path)
        return
    hidden = quiet or (output is None and sys.stdout.isatty())  # there the translations themselves show the progress
    numbers, fewer = count(), 0
    with (
        processes.sharing(opened.translator, quiet=quiet) as shared,
        _target(output) as file,
        progress.watched(shared, _counted(input, reading), quiet=hidden) as translator,
        progress.reporting_interruption(output, translator),
        closing(translator.stream_windows(numbered(lines))) as translated,
    ):
        start = time.perf_counter()
        for done in translated:
            end = time.perf_counter()
            for translation, number in zip(done, numbers):
                if as_json:
                    written = _json(translation, (end - start) / len(done))
                else:
                    written = _n_best(translation, number) if n_best > 1 else translation.text
                file.write((written + "\n").encode("utf-8", "replace"))
                fewer += len(translation.outputs) < n_best and bool(translation.outputs[0].pieces)
            file.flush()
            start = end
    if fewer:
        options.note(f"{fewer:,} lines have fewer than {n_best} different translations", quiet=quiet)
    if output:
        options.note(f"Written: {output}", quiet=quiet)


def _target(output: Path | None) -> AbstractContextManager[IO[bytes]]:
    """Where translations go; of several processes, only the first has them written."""
    return options.written(output) if processes.main() else Path(os.devnull).open("wb")


def _counted(input: Path | None, reading: Reading) -> Callable[[], Iterator[str]] | None:
    """A function that returns the lines to count them, where they can be read twice."""
    from seq2seq.data.lines import read_lines

    return (lambda: read_lines(input, reading)) if input is not None and input.is_file() else None


def line_groups(text: list[str] | None, input: Path | None, reading: Reading) -> Iterator[list[str]] | None:
    """Groups of lines to translate; None where none were given and standard input is a terminal."""
    from seq2seq.data.lines import decode_lines, read_lines
    from seq2seq.decoding.translation.windows import MOST_CHARACTERS, windows_of

    if text:
        return iter([[line for argument in text for line in argument.split("\n")]])
    if input is not None and input != options.STANDARD_INPUT:
        if input.is_dir() or not input.exists():
            next(read_lines(input), None)  # raises the error before a model is loaded
        if input.is_file() or processes.several():
            # Grouped by line count only, so that the result depends neither on timing nor on other processes.
            return windows_of(read_lines(input, reading), _WINDOW)
        return windows(read_lines(input, reading), _WINDOW, MOST_CHARACTERS)
    if input is None and sys.stdin.isatty():
        return None
    return windows(decode_lines(standard_input(), "standard input", reading), _WINDOW, MOST_CHARACTERS)


def _json(translation: Translation, seconds: float) -> str:
    best, *others = (asdict(output) for output in translation.outputs)
    row = {
        "source": translation.source,
        "translation": best.pop("text"),
        **best,
        "parts": translation.parts,
        "copied": translation.copied,
        "seconds": round(seconds, 4),
        "alternatives": others,
    }
    return to_json(row)


def _n_best(translation: Translation, number: int) -> str:
    """The translations of a line in Moses' format."""
    return "\n".join(f"{number} ||| {output.text} ||| {output.score:.4f}" for output in translation.outputs)


def _converse(opened: OpenedTranslator, run: Path) -> None:
    """An interactive prompt: one line in, its translation out, until Ctrl-D."""
    import contextlib

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 (arrow keys and history at the prompt)
    options.note(
        f"{run}: {opened.source} to {opened.target}, by {opened.engine}. A line and Enter translates it; Ctrl-D ends."
    )
    for number in count():
        try:
            line = input_line(printable(f"{opened.source}> "))
        except EOFError:
            options.note("")
            return
        start = time.perf_counter()
        translation = opened.translator.translate([line], first=number)[0]
        for output in translation.outputs:
            show(output.text if len(translation.outputs) == 1 else f"{output.score:8.4f}  {output.text}")
        options.note(f"    ({time.perf_counter() - start:.2f} s)")


def input_line(prompt: str) -> str:
    """A line typed at the prompt."""
    return input(prompt)
