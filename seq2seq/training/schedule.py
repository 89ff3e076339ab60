"""The learning rate as a function of the update, counted from 1."""

from __future__ import annotations

import math
from collections.abc import Callable

from seq2seq.recipe import Recipe

Schedule = Callable[[int], float]


def inverse_square_root(peak: float, warmup_steps: int) -> Schedule:
    """Linear to `peak` over the warm-up, then peak x sqrt(warmup / step): section 5.3, whose peak is 1/sqrt(d_model x
    warmup)."""
    return lambda step: peak * min(step / warmup_steps, (warmup_steps / step) ** 0.5)


def decaying(
    peak: float, warmup_steps: int, steps: int, final_share: float, shape: Callable[[float], float]
) -> Schedule:
    """Linear to `peak` over the warm-up, then decaying to its `final_share` just after the last step.

    `shape` maps the fraction of the decay's steps that are done, 0 to 1, to the fraction of the fall that is left,
    1 to 0.
    """

    def rate(step: int) -> float:
        if step < warmup_steps:
            return peak * step / warmup_steps
        done = min(1.0, (step - warmup_steps) / max(1, steps + 1 - warmup_steps))
        return peak * (final_share + (1 - final_share) * shape(done))

    return rate


def linear(done: float) -> float:
    """A straight line: the best use of a short budget."""
    return 1 - done


def cosine(done: float) -> float:
    """Half a cosine wave (Loshchilov and Hutter, 2017)."""
    return (1 + math.cos(math.pi * done)) / 2


def level_then_linear(decay_share: float) -> Callable[[float], float]:
    """Level, then a straight line over the last `decay_share` (warm-up-stable-decay: Hu et al., 2024)."""
    return lambda done: min(1.0, (1 - done) / decay_share)


def peak(recipe: Recipe) -> float:
    """The peak learning rate of a recipe; unset, the paper's."""
    training = recipe.training
    return training.learning_rate or float((recipe.model.d_model * training.warmup_steps) ** -0.5)


def for_recipe(recipe: Recipe, share: float = 1.0) -> Schedule:
    """The schedule of a recipe, times a `share`; it begins at `training.begin`."""
    training, highest = recipe.training, share * peak(recipe)
    if training.schedule == "inverse_square_root":
        rate = inverse_square_root(highest, training.warmup_steps)
    else:
        shapes = {"linear": linear, "cosine": cosine, "wsd": level_then_linear(training.decay_share)}
        steps, shape = training.steps - training.begin, shapes[training.schedule]
        rate = decaying(highest, training.warmup_steps, steps, training.final_share, shape)
    return lambda step: rate(step - training.begin)
