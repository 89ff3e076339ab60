"""`seqx train --dry-run`: sizes, memory and a measured estimate of the time. Trains nothing, writes nothing."""

from __future__ import annotations

from typing import Any

from seq2seq.data.corpus import Corpus
from seq2seq.device import Choice
from seq2seq.measure.estimate import estimate
from seq2seq.recipe import Recipe

from .printing import note
from .printing import show as write


def show(recipe: Recipe, corpus: Corpus[Any], device: Choice) -> None:
    """Measure and print the estimate."""
    estimated = estimate(recipe, corpus, device, note)
    training, part = recipe.training, estimated.share < 1
    share = f"{estimated.share:.1%} of"
    hours, rest = divmod(int(training.steps * estimated.step_seconds), 3600)
    memory = f"{estimated.memory / 2**20:,.0f} MiB measured" if estimated.memory else "not measured on this system"
    rows = {
        "recipe": f"{recipe.name}: {recipe.summary}",
        "text": (
            f"{corpus.record()['train'][0]['origin']}; {estimated.size}, about {estimated.target_tokens:,} target "
            "tokens per epoch"
        ),
        "device": estimated.device,
        "model": f"{estimated.parameters:,} parameters ({estimated.parameters * 4 / 2**20:,.0f} MiB in float32)",
        "update": f"{training.batch_tokens * training.accumulate:,} padded tokens",
        "memory": (
            f"{memory}, with weights, gradients and optimiser"
            + (f"; at {share} the largest batch: a whole one takes more" if part else "")
        ),
        "speed": (
            f"{estimated.step_seconds:.2f} s per update, {estimated.tokens_per_second:,.0f} target tokens/s "
            f"(measured, {estimated.measured} updates{f', on {share} each batch, and scaled' if part else ''})"
        ),
        "training": (
            f"{training.steps:,} updates, {estimated.epochs:.1f} epochs: about {hours}:{rest // 60:02d} h, and "
            "validations"
        ),
    }
    for label, value in rows.items():
        write(f"{label:10}{value}")
