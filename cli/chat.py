"""`seqx chat`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from . import options, streams
from .lines import standard_input
from .printing import note, results, to_json, write_text

if TYPE_CHECKING:
    from seq2seq.decoding.generation.chat import Chat
    from seq2seq.decoding.options import GenerationOptions

_RESET = "/reset"


def chat(
    *,
    context: typer.Context,
    text: Annotated[
        list[str] | None, Argument(help="What you say, each argument a turn. Default: standard input, a turn per line.")
    ] = None,
    run_folder: options.RunFolder = None,
    compare: Annotated[
        Path | None, Option(metavar="RUN", help="Answers of a second run, below those of the first.")
    ] = None,
    system: Annotated[str, Option(help="An instruction before the conversation.")] = "",
    max_tokens: Annotated[int, Option(min=1, max=10**6, help="Maximum length of an answer, in tokens.")] = 200,
    temperature: Annotated[
        float, Option(min=0, max=100, help="Lower = closer to the most probable answer; 0 = always that one.")
    ] = 0.7,
    top_k: options.TopK = 0,
    top_p: options.TopP = 1.0,
    seed: Annotated[int | None, Option(min=0, max=2**63 - 1, help="Random seed. Default: random, and shown.")] = None,
    as_json: options.Json = False,
    engine: options.EngineOptions,
) -> None:
    """Talk to a chat model; it remembers what was said as long as its context holds it.

    /reset begins again, Ctrl-D ends. --json prints one object per answer: user, assistant, run, ended (end: by the
    model, length), tokens, log_probability.
    """
    if temperature == 0:
        options.refuse_given(context, "top_k", "top_p", because="at --temperature 0 the most probable token is chosen")
    options.must_be_text(*(text or ()), system)
    import secrets

    from seq2seq.decoding.generation.chat import Chat
    from seq2seq.decoding.options import GenerationOptions, Sampling
    from seq2seq.tasks.language_model_opening import open_generator

    runs = [options.open_run(folder, "chat") for folder in (run_folder, *([compare] if compare else []))]
    drawn = secrets.randbelow(2**31) if seed is None else seed
    if seed is None and temperature > 0:
        note(f"Seed {drawn}: --seed {drawn} reproduces these answers")
    how = GenerationOptions(Sampling(temperature, top_k, top_p, drawn), max_tokens)
    chats: dict[str, Chat] = {}
    for run in runs:
        opened = open_generator(run, engine.choice(), how)
        if opened.missing:
            note(f"NOTE: {opened.missing}")
        chats[str(run.path)] = Chat(opened.generator, opened.tokenizer, run.recipe().model.max_length, system)
    if compare and len(chats) < 2:
        options.usage_error(f"--compare {compare} is the run that answers already; name another")
    for said in text or _typed():
        if said.strip() == _RESET:
            for each in chats.values():
                each.reset()
            continue
        if said.strip():
            for name, each in chats.items():
                _answer(each, name if compare or as_json else "", said, how, as_json)


def _answer(chat: Chat, name: str, said: str, how: GenerationOptions, as_json: bool) -> None:
    """Show the answer of one model, named where there are two."""
    before, file = chat.dropped, results()
    pieces = chat.say(said, how)
    write_text(file, f"{name}: " if name and not as_json else "")
    try:
        while True:
            piece = next(pieces)
            write_text(file, "" if as_json else piece)
    except StopIteration as end:
        generated = end.value
    row = {
        "user": said,
        "assistant": generated.text,
        "run": name,
        "ended": generated.ended,
        "tokens": len(generated.tokens),
        "log_probability": generated.log_probability,
    }
    write_text(file, (to_json(row) if as_json else "") + "\n")
    if chat.dropped and not before:
        note("NOTE: the oldest turns do not fit into the context any more, and are left out")


def _typed() -> Iterator[str]:
    """Turns from standard input, a line each; on a terminal with a prompt."""
    if streams.is_closed("stdin") or not sys.stdin.isatty():
        for line in standard_input():
            yield line.decode("utf-8", "replace").removesuffix("\n")
        return
    note(f"Type what you say, and Enter; {_RESET} begins again, Ctrl-D ends")
    while True:
        try:
            yield input("> ")
        except EOFError:
            note("")
            return
