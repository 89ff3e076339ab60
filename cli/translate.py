"""`seqx translate`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from . import options, processes, progress, rewards
from .lines import standard_input, windows
from .printing import note, printable, report, show, to_json

if TYPE_CHECKING:
    from seq2seq.data.lines import Reading
    from seq2seq.decoding.alignment import Link
    from seq2seq.decoding.translation.outputs import Translation
    from seq2seq.run import Run
    from seq2seq.tasks.translation_opening import OpenedTranslator

    Aligns = Callable[[Sequence[tuple[str, str]]], list[list[Link]]]

_WINDOW = 2000  # lines translated together


def translate(
    *,
    context: typer.Context,
    text: Annotated[
        list[str] | None, Argument(help="Text to translate. Default: --input, standard input, or a prompt.")
    ] = None,
    run_folder: options.RunFolder = None,
    input: options.Input = None,
    output: options.Output = None,
    beam_size: options.BeamSize = None,
    length_penalty: options.LengthPenalty = None,
    n_best: Annotated[
        int,
        Option(
            min=1,
            max=1000,
            help="Number of different translations per line, best first, in Moses' format: `line ||| text ||| score`, "
            "lines counted from 0. With --sample: as many draws, equal ones shown once.",
        ),
    ] = 1,
    sample: Annotated[
        bool,
        Option(
            "--sample",
            help="Sample translations instead of searching for the most probable one; --temperature, --top-k, --top-p "
            "and --seed need it.",
        ),
    ] = False,
    temperature: Annotated[
        float, Option(help="Above 0; lower = closer to greedy search.", callback=options.above_0)
    ] = 1.0,
    top_k: options.TopK = 0,
    top_p: options.TopP = 1.0,
    seed: Annotated[
        int, Option(min=0, max=2**63 - 1, help="Random seed; a line's sample depends on the seed and its line number.")
    ] = 1,
    best_of: rewards.BestOf = None,
    reward: rewards.Reward = None,
    sentences: options.Sentences = "auto",
    alignment: Annotated[
        bool,
        Option(
            "--alignment",
            help="After the translation and a tab, which words come from which: `0-0 1-2`, source before target, words "
            "counted from 0 (Pharaoh's format). By PyTorch, from the model's attention.",
        ),
    ] = False,
    as_json: options.Json = False,
    files: options.Text,
    engine: options.EngineOptions,
) -> None:
    """Translate text line by line: line i of the output translates line i of the input, an empty line stays empty. A
    line without letters is copied.

    --json prints one object per line: source, translation, score, log_probability, pieces (tokens) with their
    token_scores, parts (translated separately), copied, seconds, alternatives; with --best-of the reward, and with
    --alignment source_words, target_words and alignment (pairs of numbers of these). log_probability is the natural
    logarithm; score, which ranks, is divided by the length penalty. Both are in float32 unless --precision is given.
    """
    if text == ["-"]:
        text, input = None, input or options.STANDARD_INPUT
    if text and input:
        options.usage_error(f"both text ({text[0]!r}) and --input {input} were given; give one")
    best = rewards.chosen(context, best_of, reward, "n_best", "sample", "beam_size", "length_penalty")
    sample, n_best = (True, best_of or n_best) if best else (sample, n_best)
    if n_best > 1 and not sample and beam_size is not None and n_best > beam_size:
        options.usage_error(f"--n-best {n_best} needs a beam at least as large, not --beam-size {beam_size}")
    if not sample:
        options.refuse_given(context, "temperature", "top_k", "top_p", "seed", because="it needs --sample or --best-of")
    else:
        options.refuse_given(context, "beam_size", because="--sample draws translations instead of searching")
        if top_k == 1:
            options.refuse_given(context, "temperature", "top_p", "seed", because=options.MOST_PROBABLE)
    scored = as_json or (n_best > 1 and not best)
    if not scored and (sample or beam_size == 1):
        options.refuse_given(context, "length_penalty", because="nothing is ranked, and no score is shown")
    if alignment and n_best > 1 and not (as_json or best):
        options.usage_error(
            "--alignment and --n-best N go together with --json alone, which aligns the best translation"
        )
    reading = files.reading()
    if text:
        options.refuse_given(context, "encoding", "encoding_errors", because="no file is read")
    options.must_be_text(*(text or ()))
    if processes.several() and (text or input is None or input == options.STANDARD_INPUT):
        options.usage_error("several processes translate one file: give --input FILE, and no text")
    if best and processes.several():
        options.usage_error("--best-of takes a single process: leave out torchrun")
    from seq2seq.data.lines import read_lines
    from seq2seq.decoding.options import Sampling
    from seq2seq.decoding.translation.windows import numbered
    from seq2seq.tasks.translation_opening import open_translator

    run = options.open_run(run_folder)
    lines = line_groups(text, input, reading)
    if lines is None:
        options.refuse_given(context, "best_of", because="the prompt shows all; give text, --input or a pipe")
        options.refuse_given(
            context,
            "output",
            "as_json",
            "alignment",
            because="the prompt prints to the terminal; give text, --input or a pipe",
        )
    choice = replace(
        engine.choice(),
        beam_size=beam_size,
        length_penalty=length_penalty,
        n_best=n_best,
        sampling=Sampling(temperature, top_k, top_p, seed) if sample else None,
        token_scores=scored,
        sentences=sentences,
    )
    judge = rewards.rewarder(reward, engine, run) if reward else None
    align = _aligner(run, engine, sentences) if alignment and processes.main() else None
    opened = open_translator(run, choice)
    if opened.missing:
        note(f"NOTE: {opened.missing}")
    if lines is None:
        _converse(opened, run.path)
        return
    again = partial(read_lines, input, reading) if input is not None and input.is_file() else None
    hidden = output is None and sys.stdout.isatty()  # there the translations themselves show the progress
    numbers, fewer = count(), 0
    with (
        processes.sharing(opened.translator) as shared,
        options.written(output) if processes.main() else Path(os.devnull).open("wb") as file,
        progress.watched(shared, again, hidden=hidden) as translator,
        progress.reporting_interruption(output, translator),
        closing(translator.stream_windows(numbered(lines))) as translated,
    ):
        start = time.perf_counter()
        for done in translated:
            end = time.perf_counter()
            judged = [rewards.best_first(judge, each) if judge else (each, None) for each in done]
            links = align([(each.source, each.text) for each, _ in judged]) if align else [None for _ in done]
            for (translation, rewarded), number, linked in zip(judged, numbers, links):
                if as_json:
                    more = {"reward": rewarded} if judge else {}
                    written = _json(translation, (end - start) / len(done), more | _aligned(translation, linked))
                elif n_best > 1 and not judge:
                    written = "\n".join(
                        f"{number} ||| {each.text} ||| {each.score:.4f}" for each in translation.outputs
                    )
                else:
                    written = _line(translation, linked)
                file.write((written + "\n").encode("utf-8", "replace"))
                fewer += not judge and len(translation.outputs) < n_best and bool(translation.outputs[0].pieces)
            file.flush()
            start = end
    if fewer:
        note(f"{fewer:,} lines have fewer than {n_best} different translations")
    if output:
        note(f"Written: {output}")


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


def _json(translation: Translation, seconds: float, more: Mapping[str, Any]) -> str:
    best, *others = (asdict(output) for output in translation.outputs)
    row = {
        "source": translation.source,
        "translation": best.pop("text"),
        **best,
        "parts": translation.parts,
        "copied": translation.copied,
        "seconds": round(seconds, 4),
        "alternatives": others,
        **more,
    }
    return to_json(row)


def _aligner(run: Run, engine: options.EngineOptions, sentences: str) -> Aligns:
    from seq2seq import device as devices
    from seq2seq.tasks.alignment import Aligner

    return Aligner(run, devices.choose(engine.device, "float32").numerics, sentences, note).align


def _line(translation: Translation, links: Sequence[Link] | None) -> str:
    if links is None:
        return translation.text
    from seq2seq.decoding.alignment import pharaoh  # numpy takes longer to import than a sentence to translate

    return f"{translation.text}\t{pharaoh(links)}"


def _aligned(translation: Translation, links: Sequence[Link] | None) -> dict[str, Any]:
    """What --json says of an alignment."""
    if links is None:
        return {}
    from seq2seq.decoding.alignment import words  # as above

    return {
        "source_words": words(translation.source),
        "target_words": words(translation.text),
        "alignment": [list(link) for link in links],
    }


def _converse(opened: OpenedTranslator, run: Path) -> None:
    """An interactive prompt: one line in, its translation out, until Ctrl-D."""
    with suppress(ImportError):
        import readline  # noqa: F401 (arrow keys and history at the prompt)
    report(
        f"{run}: {opened.source} to {opened.target}, by {opened.engine}. A line and Enter translates it; Ctrl-D ends."
    )
    for number in count():
        try:
            line = input(printable(f"{opened.source}> "))
        except EOFError:
            report("")
            return
        start = time.perf_counter()
        translation = opened.translator.translate([line], first=number)[0]
        for output in translation.outputs:
            show(output.text if len(translation.outputs) == 1 else f"{output.score:8.4f}  {output.text}")
        report(f"    ({time.perf_counter() - start:.2f} s)")
