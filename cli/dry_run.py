"""`seqx train --dry-run`: sizes, memory and a measured estimate of the time. Trains nothing, writes nothing."""

from __future__ import annotations

from typing import Any

from seq2seq.checkup.estimate import Say, estimate
from seq2seq.data.corpus import Corpus
from seq2seq.device import Choice
from seq2seq.recipe import Recipe

from .printing import show as write


def show(recipe: Recipe, corpus: Corpus[Any], choice: Choice, say: Say) -> None:
    """Measure, telling `say` what is being done, and show."""
    found = estimate(recipe, corpus, choice, say)
    training = recipe.training
    hours, rest = divmod(int(training.steps * found.step_seconds), 3600)
    scaled = f", on {found.share:.1%} of each batch, and scaled" if found.share < 1 else ""
    for label, value in (
        ("recipe", f"{recipe.name}: {recipe.summary}"),
        (
            "text",
            f"{corpus.record()['train'][0]['origin']}; {found.size}, about {found.target_tokens:,} target tokens an "
            "epoch",
        ),
        ("device", found.device),
        ("model", f"{found.parameters:,} parameters ({found.parameters * 4 / 2**20:,.0f} MiB in float32)"),
        ("update", f"{training.batch_tokens * training.accumulate:,} padded tokens"),
        (
            "memory",
            (f"{found.memory / 2**20:,.0f} MiB measured" if found.memory else "not measured on this system")
            + ", with weights, gradients and optimiser"
            + (f"; at {found.share:.1%} of the largest batch: a whole one takes more" if scaled else ""),
        ),
        (
            "speed",
            (
                f"{found.step_seconds:.2f} s an update, {found.tokens_per_second:,.0f} target tokens/s "
                f"(measured, {found.measured} updates{scaled})"
            ),
        ),
        (
            "training",
            (
                f"{training.steps:,} updates, {found.epochs:.1f} epochs: about "
                f"{hours}:{rest // 60:02d} h, and validations"
            ),
        ),
    ):
        write(f"{label:10}{value}")
