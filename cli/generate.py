"""`seqx generate`."""

from __future__ import annotations

import io
import math
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from seq2seq.storage.reading import LONGEST_LINE

from . import options, progress, streams
from .lines import standard_input
from .printing import to_json

if TYPE_CHECKING:
    from seq2seq.data.lines import Reading
    from seq2seq.decoding.generation.generator import Generated, Generator
    from seq2seq.decoding.options import GenerationOptions


def generate(
    context: typer.Context,
    prompt: Annotated[
        str | None, typer.Argument(help="Prompt to continue. Default: --input, standard input, or an empty prompt.")
    ] = None,
    run_folder: options.RunFolder = None,
    input: Annotated[Path | None, typer.Option("--input", "-i", help="File with the prompt, used unchanged.")] = None,
    output: options.Output = None,
    samples: Annotated[
        int, typer.Option("--samples", min=1, max=10_000, help="Number of texts, generated together.")
    ] = 1,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", min=1, max=10**9, help="Maximum length of the text, in tokens.")
    ] = 500,
    temperature: Annotated[
        float,
        typer.Option(
            "--temperature", help="Lower = closer to the most probable text; 0 = always the most probable token."
        ),
    ] = 0.8,
    top_k: Annotated[int, typer.Option("--top-k", min=0, help="Sample from the k most probable tokens; 0 = all.")] = 0,
    top_p: Annotated[
        float, typer.Option("--top-p", help="Sample from the smallest set of tokens with this total probability.")
    ] = 1.0,
    min_p: Annotated[
        float,
        typer.Option(
            "--min-p", help="Sample from the tokens whose probability is at least this share of the highest one."
        ),
    ] = 0.0,
    repetition_penalty: Annotated[
        float, typer.Option("--repetition-penalty", help="Above 1: tokens that occurred before become less probable.")
    ] = 1.0,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            min=0,
            max=2**63 - 1,
            help="Random seed; the same seed gives the same text. Default: random, and shown.",
        ),
    ] = None,
    stop: Annotated[
        list[str] | None, typer.Option("--stop", metavar="TEXT", help="Stop before this text; repeatable.")
    ] = None,
    beam_size: Annotated[
        int | None,
        typer.Option("--beam-size", min=1, max=1000, help="Search for the most probable text instead of sampling."),
    ] = None,
    no_prompt: Annotated[bool, typer.Option("--no-prompt", help="Do not repeat the prompt in the output.")] = False,
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
    """Continue a prompt with a language model (GPT); the text is shown while it is generated.

    --json prints one object per text at the end: prompt, text, tokens (ids), log_probability (natural logarithm), ended
    (end: by the model, stop, length), seconds (for all texts), tokens_per_second, seed, engine (the seed gives the same
    text with the same engine).
    """
    if prompt == "-":
        prompt, input = None, input or options.STANDARD_INPUT
    if prompt is not None:
        options.must_be_text("--input", prompt)
    if prompt is not None and input:
        options.usage_error(f"both a prompt ({prompt!r}) and --input {input} were given; give one")
    _check(temperature, top_p, min_p, repetition_penalty)
    if stop and not all(stop):
        options.usage_error("--stop: an empty text would stop at once; give one that is not empty")
    drawing = beam_size is None and temperature > 0 and top_k != 1
    if beam_size is not None and samples > beam_size:
        options.usage_error(f"--samples {samples} needs a beam at least as large, not --beam-size {beam_size}")
    if not drawing:
        if beam_size is not None:
            why = f"--beam-size {beam_size} searches"
            ignored: tuple[str, ...] = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
        elif temperature == 0:
            why, ignored = "at --temperature 0 the most probable token is always chosen", ("top_k", "top_p", "min_p")
        else:
            why, ignored = "at --top-k 1 the most probable token is always chosen", ("temperature", "top_p", "min_p")
        options.refuse_given(context, *ignored, because=why)
        if seed is not None:
            options.note(f"--seed has no effect: {why}", quiet=quiet)
    if as_json:
        options.refuse_given(context, "no_prompt", because="--json has the prompt in a field of its own")
    if samples > 1 and beam_size is None and not drawing:
        options.usage_error(f"--samples {samples}: {why}, so they would all be the same")
    reading = options.reading(encoding, encoding_errors)
    if prompt is not None:
        options.refuse_given(context, "encoding", "encoding_errors", because="no file is read")
    options.engine(engine, precision)
    import secrets

    from seq2seq.decoding.generation.generator import unknown
    from seq2seq.decoding.options import GenerationOptions, Sampling
    from seq2seq.tasks.opening import EngineChoice, open_generator

    run = options.open_run(run_folder, "generate", quiet=quiet)
    text = _prompt(prompt, input, reading)
    if seed is None:
        seed = secrets.randbelow(2**31)
        options.note(f"Seed {seed}: --seed {seed} reproduces this text", quiet=quiet or not drawing)
    sampling = Sampling(temperature, top_k, top_p, seed, min_p, repetition_penalty)
    how = GenerationOptions(sampling, max_tokens, tuple(stop or ()), beam_size or 0)
    opened = open_generator(run, EngineChoice(engine, precision, device), how)
    if opened.missing:
        options.note(f"NOTE: {opened.missing}", quiet=quiet)
    if strange := unknown(opened.tokenizer, text):
        shown = " ".join(map(repr, strange[:20])) + (" ..." if len(strange) > 20 else "")
        options.note(f"The model does not know {shown}: read as the unknown character", quiet=quiet)
    start = time.perf_counter()
    with options.written(output) as file, progress.reporting_interruption(output):
        shown_prompt = "" if no_prompt else text
        if samples == 1 and not as_json:
            generated = [write_stream(opened.generator, text, how, file, shown_prompt)]
        else:
            generated = opened.generator.generate(text, how, samples)
        seconds = time.perf_counter() - start
        if as_json:
            for each in generated:
                row = _row(text, each, seconds) | {"seed": seed if drawing else None, "engine": opened.engine}
                file.write((to_json(row) + "\n").encode())
        elif samples > 1:
            _write_all(file, [shown_prompt + each.text for each in generated])
        file.flush()
    if output:
        options.note(f"Written: {output}", quiet=quiet)
    tokens = sum(len(each.tokens) for each in generated)
    options.note(
        f"{tokens:,} tokens in {seconds:.2f} s, {tokens / seconds:,.0f} tokens/s, by {opened.engine}", quiet=quiet
    )


def _check(temperature: float, top_p: float, min_p: float, repetition_penalty: float) -> None:
    """End with a usage error where a number is out of its range; NaN is out of any."""
    if not 0 <= temperature < math.inf:
        options.usage_error(f"--temperature {temperature}: use 0 or above")
    if not 0 < top_p <= 1:
        options.usage_error(f"--top-p {top_p}: use above 0, up to 1")
    if not 0 <= min_p <= 1:
        options.usage_error(f"--min-p {min_p}: use 0 to 1")
    if not 0 < repetition_penalty < math.inf:
        options.usage_error(f"--repetition-penalty {repetition_penalty}: use above 0; 1 = none")


def _prompt(prompt: str | None, input: Path | None, reading: Reading) -> str:
    """The prompt, unchanged; empty where none was given and standard input is a terminal."""
    from seq2seq.data.lines import blocks, read_blocks

    if prompt is not None:
        return prompt
    if input is not None and input != options.STANDARD_INPUT:
        return _bounded(read_blocks(input, reading), str(input))
    if input is None and (streams.is_closed("stdin") or sys.stdin.isatty()):
        return ""
    given = io.BytesIO(standard_input().read(LONGEST_LINE + 1))
    return _bounded(blocks(given, "standard input", reading), "standard input")


def _bounded(blocks: Iterable[str], name: str) -> str:
    """The blocks joined to a prompt. Raises DataError where it is too long."""
    from seq2seq.errors import DataError

    prompt = ""
    for block in blocks:
        prompt += block
        if len(prompt) > LONGEST_LINE:
            raise DataError(f"{name} is over {LONGEST_LINE:,} characters long; give a shorter prompt")
    return prompt


def write_stream(generator: Generator, prompt: str, how: GenerationOptions, file: IO[bytes], shown: str) -> Generated:
    """Write a text while it is generated, and a line end after it, interrupted or not."""
    pieces = generator.stream(prompt, how)
    try:
        _write(file, shown)
        while True:
            _write(file, next(pieces))
    except StopIteration as end:
        generated: Generated = end.value
    except KeyboardInterrupt:
        _write(file, "\n")
        raise
    if not (generated.text or shown).endswith("\n"):
        _write(file, "\n")
    return generated


def _write_all(file: IO[bytes], texts: list[str]) -> None:
    for number, text in enumerate(texts, start=1):
        if number > 1:
            _write(file, f"--- {number} of {len(texts)} ---\n")
        _write(file, text if text.endswith("\n") else text + "\n")


def _write(file: IO[bytes], text: str) -> None:
    file.write(text.encode("utf-8", "replace"))
    file.flush()


def _row(prompt: str, generated: Generated, seconds: float) -> dict[str, Any]:
    return {
        "prompt": prompt,
        "text": generated.text,
        "tokens": generated.tokens,
        "log_probability": generated.log_probability,
        "ended": generated.ended,
        "seconds": round(seconds, 4),
        "tokens_per_second": round(len(generated.tokens) / seconds, 1),
    }
