"""`seqx train --dry-run` and `--overfit N`: checks in place of training, which leave nothing behind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from seq2seq import tasks
from seq2seq.data.corpus import Corpus
from seq2seq.device import Choice
from seq2seq.measure.estimate import estimate
from seq2seq.recipe import Recipe
from seq2seq.recipe.files import differences
from seq2seq.run import Run
from seq2seq.tasks import preparation
from seq2seq.training.overfitting import for_overfitting
from seq2seq.training.session import Event, Validated

from . import options
from .printing import note, show
from .screen import Screen

_OVERFITTED = 0.05  # nats per token


def dry_run(recipe: Recipe, corpus: Corpus[Any], device: Choice) -> None:
    """Show sizes, memory and a measured estimate of the time."""
    estimated = estimate(recipe, corpus, device, note)
    training, part = recipe.training, estimated.share < 1
    more = len(corpus.train) - 1
    share, predicted = f"{estimated.share:.1%} of", tasks.of(recipe).predicted
    predicted = "target token" if predicted == "token" else predicted
    hours, rest = divmod(int(training.steps * estimated.step_seconds), 3600)
    memory = f"{estimated.memory / 2**20:,.0f} MiB measured" if estimated.memory else "not measured on this system"
    rows = {
        "recipe": f"{recipe.name}: {recipe.summary}",
        "text": (
            f"{corpus.train[0].origin}{f', and {more} more' if more else ''}; {estimated.size}, about "
            f"{estimated.target_tokens:,} {predicted}s per epoch"
        ),
        "device": estimated.device,
        "model": f"{estimated.parameters:,} parameters ({estimated.parameters * 4 / 2**20:,.0f} MiB in float32)",
        "update": estimated.update,
        "memory": (
            f"{memory}, with weights, gradients and optimiser"
            + (f"; at {share} the largest batch: a whole one takes more" if part else "")
        ),
        "speed": (
            f"{estimated.step_seconds:.2f} s per update, {estimated.tokens_per_second:,.0f} {predicted}s/s "
            f"(measured, {estimated.measured} updates{f', on {share} each batch, and scaled' if part else ''})"
        ),
        "training": (
            f"{training.steps:,} updates, {estimated.epochs:.1f} epochs: about {hours}:{rest // 60:02d} h, and "
            "validations"
        ),
    }
    for label, value in rows.items():
        show(f"{label:10}{value}")


def overfit(recipe: Recipe, corpus: Corpus[Any], device: Choice, count: int, given: set[str]) -> None:
    """Train on `count` examples in a temporary folder: a model that cannot overfit a few is broken, whatever the text.

    Exit code 1 where they are not overfitted. Usage error: one of the keys given with --set is one that this sets.
    """
    changed = for_overfitting(recipe)
    replaced = {each.partition(":")[0] for each in differences(recipe, changed)}
    if given & replaced:
        options.usage_error(f"--set {min(given & replaced)} has no effect: --overfit sets its own value")
    task = tasks.of(changed)
    screen = Screen(changed)
    last: list[float] = []
    enough = _OVERFITTED + task.overfitted_loss(count)

    def watched(events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Validated):
                last.append(event.figures["loss"])
            yield event

    with tempfile.TemporaryDirectory(prefix="seqx-overfit-") as folder:
        session = preparation.session(task, corpus, Run(Path(folder)), device, screen.say, overfit=count)
        stopped = screen.follow(watched(session.events(lambda: bool(last) and last[-1] < enough)))
    overfitted = last[-1] < enough
    show(
        f"{count} examples {'overfitted' if overfitted else 'NOT overfitted'} after {stopped.step:,} updates: "
        f"{last[-1]:.3f} nats per {task.predicted}"
        + ("" if overfitted else "; try --set training.learning_rate=... lower, or --set training.precision=float32")
    )
    if not overfitted:
        note("A model that cannot learn these will learn nothing else.")
        raise typer.Exit(1)
