"""The learning rate as a function of the update, counted from 1."""

from __future__ import annotations

from collections.abc import Callable

from seq2seq import recipe

Schedule = Callable[[int], float]


def inverse_square_root(peak: float, warmup_steps: int) -> Schedule:
    """Linear to `peak` over the warm-up, then peak x sqrt(warmup / step): section 5.3, whose peak is 1/sqrt(d_model x
    warmup)."""
    return lambda step: peak * min(step / warmup_steps, (warmup_steps / step) ** 0.5)


def linear(peak: float, warmup_steps: int, steps: int) -> Schedule:
    """Linear to `peak` over the warm-up, then linear to zero just after the last step: the best use of a short
    budget."""
    return lambda step: peak * min(step / warmup_steps, max(0.0, (steps + 1 - step) / max(1, steps + 1 - warmup_steps)))


def for_recipe(recipe: recipe.Recipe) -> Schedule:
    """The schedule of a recipe; an unset rate is the paper's."""
    training = recipe.training
    peak = training.learning_rate or (recipe.model.d_model * training.warmup_steps) ** -0.5
    match training.schedule:
        case "inverse_square_root":
            return inverse_square_root(peak, training.warmup_steps)
        case "linear":
            return linear(peak, training.warmup_steps, training.steps)
