"""Rewards of a reward model: `seqx score` of one, and the options by which one chooses the best of several samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from . import options
from .printing import note, to_json

if TYPE_CHECKING:
    from seq2seq.decoding.translation.outputs import Translation
    from seq2seq.run import Run
    from seq2seq.tasks.rewarding import Rewarder

_WINDOW = 2000

BestOf = Annotated[
    int | None,
    Option(
        min=2,
        max=1000,
        help="Draw so many texts at --temperature, and give the one that the reward model of --reward prefers.",
    ),
]
Reward = Annotated[Path | None, Option("--reward", metavar="RUN", help="Run of the reward model of --best-of.")]


def chosen(context: typer.Context, best_of: int | None, reward: Path | None, *without: str) -> bool:
    """Whether the best of several samples is asked for. Usage error: one of the two options alone, or with one of the
    parameters `without`."""
    if (best_of is None) != (reward is None):
        options.usage_error("--best-of N and --reward RUN go together: give both")
    if best_of is None:
        return False
    options.refuse_given(context, *without, because="--best-of draws texts and gives the one with the highest reward")
    return True


def rewarder(reward: Path, engine: options.EngineOptions, writer: Run | None = None) -> Rewarder:
    """The reward model of a run, for the texts of a writer. Raises as `open_rewarder` does."""
    from seq2seq import device as devices
    from seq2seq.tasks import open_run
    from seq2seq.tasks.rewarding import open_rewarder

    run = open_run(reward, "export")  # any run: what is wrong with it is said below
    return open_rewarder(run, devices.choose(engine.device, "float32").numerics, writer)


def best_first(judge: Rewarder, translation: Translation) -> tuple[Translation, float | None]:
    """A translation with the output of the highest reward first, and that reward."""
    from seq2seq.tasks.rewarding import of_text

    outputs = tuple({output.text: output for output in translation.outputs}.values())
    best, reward = judge.best(of_text(translation.source), [output.text for output in outputs])
    others = (output for number, output in enumerate(outputs) if number != best)
    return replace(translation, outputs=(outputs[best], *others)), reward


def score(run: Run, pairs: Iterator[tuple[str, str]], output: Path | None, as_json: bool, device: str) -> None:
    """Write the reward of each prompt with its completion."""
    from seq2seq import device as devices
    from seq2seq.tasks.rewarding import of_text, open_rewarder

    judge = open_rewarder(run, devices.choose(device, "float32").numerics)
    without = 0
    with options.written(output) as file:
        while group := list(islice(pairs, _WINDOW)):
            prompts, completions = zip(*group)
            for (prompt, completion), reward in zip(group, judge.rewards([*map(of_text, prompts)], completions)):
                without += reward is None
                row = {"prompt": prompt, "completion": completion, "reward": reward}
                shown = to_json(row) if as_json else "nan" if reward is None else f"{reward:.4f}"
                file.write((shown + "\n").encode())
            file.flush()
    if without:
        note(f"{without:,} lines have no reward: blank on a side, or longer than the model takes")
