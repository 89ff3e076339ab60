"""The recipe of the sanity check that overfits a few examples."""

from __future__ import annotations

from seq2seq.recipe import Noise, Recipe
from seq2seq.training import schedule


def for_overfitting(recipe: Recipe) -> Recipe:
    """The recipe without regularisation, and with a short budget."""
    rate = schedule.peak(recipe)
    training = {
        "steps": 1000,
        "learning_rate": min(rate, 1e-3) if recipe.model.norm == "post" else rate,
        "warmup_steps": 50,
        "schedule": "wsd",
        "label_smoothing": 0.0,
        "validate_every": 50,
        "patience": 0,
        "ema": 0.0,
        "keep": "best",
        "average_last": 1,
    }
    return recipe.with_values(
        {
            "data": {"chunks": "packed", "noise": Noise()},
            "model": {"dropout": 0.0},
            "tokenizer": {"sampling": 0.0},
            "training": training,
        }
    )
