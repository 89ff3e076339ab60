"""The budget of a training run: as large a batch as memory holds, as many updates as fit into some minutes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .printing import note

if TYPE_CHECKING:
    from seq2seq.data.corpus import Corpus
    from seq2seq.device import Choice
    from seq2seq.recipe import Recipe
    from seq2seq.run import Run


def fitted(recipe: Recipe, run: Run, device: Choice) -> Recipe:
    """The recipe with the largest batch that fits into memory; a resumed run keeps its batch size."""
    from seq2seq.errors import RecipeError
    from seq2seq.measure.memory import largest_batch

    if recipe.policy is not None:
        raise RecipeError(
            f"--batch-tokens auto: a policy has no batches of so many tokens; recipe {recipe.name} is updated on "
            "policy.rollouts / policy.minibatches completions at a time: set these"
        )
    if (run.path / "recipe.toml").is_file():
        batch_tokens, how = run.recipe().training.batch_tokens, f", as when {run.path} was begun"
    else:
        budget = largest_batch(recipe, device.numerics)
        batch_tokens, how = budget.batch_tokens, f": {budget.how}"
    note(f"Batch: {batch_tokens:,} tokens{how}")
    return recipe.with_values({"training": {"batch_tokens": batch_tokens}})


def timed(recipe: Recipe, corpus: Corpus[Any], run: Run, device: Choice, minutes: float) -> tuple[Recipe, Corpus[Any]]:
    """The recipe with a budget that fits the minutes, and the corpus with as much of dev and test as there is time for;
    a resumed run keeps its budget."""
    from seq2seq.measure.estimate import fit_minutes

    usual = recipe
    if (run.path / "recipe.toml").is_file():
        former = run.recipe()
        kept = former.training
        note(f"Steps: {kept.steps:,}, as when {run.path} was begun")
        recipe = recipe.with_budget(kept.steps, kept.validate_every, former.data.judge_pairs)
    else:
        recipe, estimate = fit_minutes(recipe, corpus, device, minutes, note)
        steps, every = recipe.training.steps, recipe.training.validate_every
        note(
            f"Steps: {steps:,} in about {minutes:g} minutes, at {estimate.step_seconds:.2f} s each: "
            f"{estimate.epochs * steps / usual.training.steps:.1f} epochs, {math.ceil(steps / every)} validations"
        )
    pairs = recipe.data.judge_pairs
    if pairs != usual.data.judge_pairs:
        note(f"Dev and test: the first {pairs:,} pairs of each, to fit the time")
        corpus = corpus.judged_on(pairs)
    return recipe, corpus
