"""`seqx train --dry-run`: sizes, memory and a measured estimate of the time. Trains nothing, writes nothing."""

from __future__ import annotations

from cli.printing import show as say
from seq2seq.checkup.estimate import estimate
from seq2seq.data.corpora import Corpus
from seq2seq.data.texts import TextCorpus
from seq2seq.device import Choice
from seq2seq.recipe import Recipe


def show(recipe: Recipe, corpus: Corpus | TextCorpus, choice: Choice) -> None:
    """Measure and show."""
    found = estimate(recipe, corpus, choice)
    hours, rest = divmod(int(found.seconds), 3600)
    for label, value in (
        ("recipe", f"{recipe.name}: {recipe.summary}"),
        (
            "text",
            f"{corpus.record()['train'][0]['origin']}; {found.size}, about {found.target_tokens:,} target tokens an "
            "epoch",
        ),
        ("device", found.device),
        ("model", f"{found.parameters:,} parameters ({found.parameters * 4 / 2**20:,.0f} MiB in float32)"),
        ("update", f"{recipe.training.batch_tokens * recipe.training.accumulate:,} padded tokens"),
        (
            "memory",
            f"{found.memory / 2**20:,.0f} MiB measured at the largest batch, with weights, gradients and optimiser",
        ),
        (
            "speed",
            (
                f"{found.step_seconds:.2f} s an update, {found.tokens_per_second:,.0f} target tokens/s "
                f"(measured, {found.measured} updates)"
            ),
        ),
        (
            "training",
            (
                f"{recipe.training.steps:,} updates, {found.epochs:.1f} epochs: about "
                f"{hours}:{rest // 60:02d} h, and validations"
            ),
        ),
    ):
        say(f"{label:10}{value}")
