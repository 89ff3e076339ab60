"""`seqx train --overfit N`: a sanity check. A model that cannot overfit a few examples is broken, whatever the text."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from seq2seq import tasks
from seq2seq.recipe.files import differences
from seq2seq.run import Run
from seq2seq.tasks import preparation
from seq2seq.training.overfitting import for_overfitting
from seq2seq.training.session import Validated

from . import options
from .printing import note, show
from .screen import Screen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seq2seq.data.corpus import Corpus
    from seq2seq.device import Choice
    from seq2seq.recipe import Recipe
    from seq2seq.training.session import Event

_OVERFITTED = 0.05  # nats per token


def refuse_replaced(recipe: Recipe, given: set[str]) -> None:
    """End with a usage error where one of the keys given with --set is one that `run` sets to a value of its own."""
    replaced = {each.partition(":")[0] for each in differences(recipe, for_overfitting(recipe))}
    if given & replaced:
        options.usage_error(f"--set {min(given & replaced)} has no effect: --overfit sets its own value")


def run(recipe: Recipe, corpus: Corpus[Any], device: Choice, count: int) -> None:
    """Train on `count` examples in a temporary folder; exit code 1 where they are not overfitted."""
    changed = for_overfitting(recipe)
    task = tasks.of(changed)
    screen = Screen(changed)
    last: list[float] = []
    enough = _OVERFITTED + task.overfitted_loss(count)

    def watched(events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Validated):
                last.append(event.figures["negative_log_likelihood"])
            yield event

    with tempfile.TemporaryDirectory(prefix="seqx-overfit-") as folder:
        session = preparation.session(task, corpus, Run(Path(folder)), device, screen.say, overfit=count)
        stopped = screen.follow(watched(session.events(lambda: bool(last) and last[-1] < enough)))
    overfitted = last[-1] < enough
    show(
        f"{count} examples {'overfitted' if overfitted else 'NOT overfitted'} after {stopped.step:,} updates: "
        f"{last[-1]:.3f} nats per token"
        + ("" if overfitted else "; try --set training.learning_rate=... lower, or --set training.precision=float32")
    )
    if not overfitted:
        note("A model that cannot learn these will learn nothing else.")
        raise typer.Exit(1)
