"""`seqx generate`."""

from __future__ import annotations

import io
import math
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from seq2seq.storage.reading import LONGEST_LINE

from . import options, progress, rewards, streams
from .lines import standard_input
from .printing import note, to_json, write_text

if TYPE_CHECKING:
    from seq2seq.data.lines import Reading
    from seq2seq.decoding.generation.generator import Generated, TextGenerator
    from seq2seq.decoding.options import GenerationOptions
    from seq2seq.run import Run
    from seq2seq.tasks.language_model_opening import OpenedGenerator
    from seq2seq.tasks.rewarding import Rewarder


def generate(
    *,
    context: typer.Context,
    prompt: Annotated[
        str | None, Argument(help="Prompt to continue. Default: --input, standard input, or an empty prompt.")
    ] = None,
    run_folder: options.RunFolder = None,
    input: Annotated[Path | None, Option("--input", "-i", help="File with the prompt, used unchanged.")] = None,
    output: options.Output = None,
    samples: Annotated[int, Option(min=1, max=10_000, help="Number of texts, generated together.")] = 1,
    max_tokens: Annotated[int, Option(min=1, max=10**9, help="Maximum length of the text, in tokens.")] = 500,
    temperature: Annotated[
        float,
        Option(
            help="Lower = closer to the most probable text; 0 = always the most probable token.",
            callback=options.checked(lambda value: 0 <= value < math.inf, "0 or above"),
        ),
    ] = 0.8,
    top_k: options.TopK = 0,
    top_p: options.TopP = 1.0,
    min_p: Annotated[
        float,
        Option(
            help="Sample from the tokens whose probability is at least this share of the highest one.",
            callback=options.checked(lambda share: 0 <= share <= 1, "0 to 1"),
        ),
    ] = 0.0,
    repetition_penalty: Annotated[
        float, Option(help="Above 1: tokens that occurred before become less probable.", callback=options.above_0)
    ] = 1.0,
    seed: Annotated[
        int | None,
        Option(
            min=0, max=2**63 - 1, help="Random seed; the same seed gives the same text. Default: random, and shown."
        ),
    ] = None,
    stop: Annotated[list[str] | None, Option(metavar="TEXT", help="Stop before this text; repeatable.")] = None,
    beam_size: Annotated[
        int | None, Option(min=1, max=1000, help="Search for the most probable text instead of sampling.")
    ] = None,
    best_of: rewards.BestOf = None,
    reward: rewards.Reward = None,
    no_prompt: Annotated[bool, Option("--no-prompt", help="Do not repeat the prompt in the output.")] = False,
    as_json: options.Json = False,
    files: options.Text,
    engine: options.EngineOptions,
) -> None:
    """Continue a prompt with a language model (GPT); the text is shown while it is generated.

    With --best-of the prompt is a question, which a chat model answers as in `seqx chat`. --json prints one
    object per text at the end: prompt, text, tokens (ids), log_probability (natural logarithm), ended
    (end: by the model, stop, length), seconds (for all texts), tokens_per_second, seed, engine (the seed gives the same
    text with the same engine).
    """
    if prompt == "-":
        prompt, input = None, input or options.STANDARD_INPUT
    if prompt is not None:
        options.must_be_text(prompt)
    if prompt is not None and input:
        options.usage_error(f"both a prompt ({prompt!r}) and --input {input} were given; give one")
    if stop and not all(stop):
        options.usage_error("--stop: an empty text would stop at once; give one that is not empty")
    best = rewards.chosen(context, best_of, reward, "samples", "beam_size", "stop")
    drawing = beam_size is None and temperature > 0 and top_k != 1
    if beam_size is not None and samples > beam_size:
        options.usage_error(f"--samples {samples} needs a beam at least as large, not --beam-size {beam_size}")
    if not drawing:
        why, ignored = options.MOST_PROBABLE, ["temperature", "top_p", "min_p"]
        if beam_size is not None:
            why = f"--beam-size {beam_size} searches"
            ignored = ["temperature", "top_k", "top_p", "min_p", "repetition_penalty"]
        elif temperature == 0:
            why, ignored = "at --temperature 0 the most probable token is always chosen", ["top_k", "top_p", "min_p"]
        options.refuse_given(context, *ignored, because=why)
        if seed is not None:
            note(f"--seed has no effect: {why}")
    if as_json:
        options.refuse_given(context, "no_prompt", because="--json has the prompt in a field of its own")
    if best and not drawing:
        options.usage_error(f"--best-of {best_of}: {why}, so all would be the same")
    if samples > 1 and beam_size is None and not drawing:
        options.usage_error(f"--samples {samples}: {why}, so they would all be the same")
    reading = files.reading()
    if prompt is not None:
        options.refuse_given(context, "encoding", "encoding_errors", because="no file is read")
    import secrets

    from seq2seq.decoding.generation.generator import unknown
    from seq2seq.decoding.options import GenerationOptions, Sampling
    from seq2seq.tasks.language_model_opening import open_generator

    run = options.open_run(run_folder, "generate")
    text = _prompt(prompt, input, reading)
    if seed is None:
        seed = secrets.randbelow(2**31)
        if drawing:
            note(f"Seed {seed}: --seed {seed} reproduces this text")
    sampling = Sampling(temperature, top_k, top_p, seed, min_p, repetition_penalty)
    how = GenerationOptions(sampling, max_tokens, tuple(stop or ()), beam_size or 0)
    judge = rewards.rewarder(reward, engine, run) if reward else None
    opened = open_generator(run, engine.choice(), how)
    if opened.missing:
        note(f"NOTE: {opened.missing}")
    if strange := unknown(opened.tokenizer, text):
        shown = " ".join(map(repr, strange[:20])) + (" ..." if len(strange) > 20 else "")
        note(f"The model does not know {shown}: read as the unknown character")
    start = time.perf_counter()
    with options.written(output) as file, progress.reporting_interruption(output):
        shown_prompt = "" if no_prompt else text
        rewarded: dict[str, float | None] = {}
        if judge:
            generated, rewarded["reward"] = _best(opened, run, judge, text, how, best_of or 1)
            if not as_json:
                write_text(file, f"{shown_prompt}\n{generated[0].text}\n" if shown_prompt else f"{generated[0].text}\n")
        elif samples == 1 and not as_json:
            generated = [write_stream(opened.generator, text, how, file, shown_prompt)]
        else:
            generated = opened.generator.generate(text, how, samples)
        seconds = time.perf_counter() - start
        if as_json:
            for each in generated:
                row = {
                    "prompt": text,
                    **asdict(each),
                    "seconds": round(seconds, 4),
                    "tokens_per_second": round(len(each.tokens) / seconds, 1),
                    "seed": seed if drawing else None,
                    "engine": opened.engine,
                    **rewarded,
                }
                file.write((to_json(row) + "\n").encode())
        elif samples > 1:
            for number, each in enumerate(generated, start=1):
                whole = shown_prompt + each.text
                write_text(file, f"--- {number} of {samples} ---\n" if number > 1 else "")
                write_text(file, whole if whole.endswith("\n") else whole + "\n")
        file.flush()
    if output:
        note(f"Written: {output}")
    tokens = sum(len(each.tokens) for each in generated)
    note(f"{tokens:,} tokens in {seconds:.2f} s, {tokens / seconds:,.0f} tokens/s, by {opened.engine}")


def _best(
    opened: OpenedGenerator, run: Run, judge: Rewarder, text: str, how: GenerationOptions, count: int
) -> tuple[list[Generated], float | None]:
    """Of several answers to a text, the one with the highest reward, alone in a list, and that reward."""
    from seq2seq.decoding.generation.chat import prompt
    from seq2seq.tasks.rewarding import of_text

    tokens, turns = prompt(opened.tokenizer, of_text(text), run.recipe().model.max_length, how.max_tokens)
    candidates = opened.generator.generate(tokens, how, count)
    number, reward = judge.best(turns, [each.text for each in candidates])
    return [candidates[number]], reward


def _prompt(prompt: str | None, input: Path | None, reading: Reading) -> str:
    """The prompt, unchanged; empty where none was given and standard input is a terminal. Raises DataError where it is
    too long."""
    from seq2seq.data.lines import blocks, read_blocks
    from seq2seq.errors import DataError

    if prompt is not None:
        return prompt
    if input is None and (streams.is_closed("stdin") or sys.stdin.isatty()):
        return ""
    if input is not None and input != options.STANDARD_INPUT:
        name, given = str(input), read_blocks(input, reading)
    else:
        name = "standard input"
        given = blocks(io.BytesIO(standard_input().read(LONGEST_LINE + 1)), name, reading)
    text = ""
    for block in given:
        text += block
        if len(text) > LONGEST_LINE:
            raise DataError(f"{name} is over {LONGEST_LINE:,} characters long; give a shorter prompt")
    return text


def write_stream(
    generator: TextGenerator, prompt: str, how: GenerationOptions, file: IO[bytes], shown: str
) -> Generated:
    """Write a text while it is generated, and a line end after it, interrupted or not."""
    pieces = generator.stream(prompt, how)
    try:
        write_text(file, shown)
        while True:
            write_text(file, next(pieces))
    except StopIteration as end:
        generated: Generated = end.value
    except KeyboardInterrupt:
        write_text(file, "\n")
        raise
    if not (generated.text or shown).endswith("\n"):
        write_text(file, "\n")
    return generated
