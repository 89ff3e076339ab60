"""Optimisers, one module each: how it is built from its options, its state of each weight, what it needs."""

from __future__ import annotations

import torch
from torch import nn

from seq2seq.errors import RecipeError
from seq2seq.recipe import Recipe
from seq2seq.training.optimisers.adam import Adam, AdamW
from seq2seq.training.optimisers.muon import Muon
from seq2seq.training.optimisers.optimiser import Optimiser, masked_step, step_unless
from seq2seq.training.schedule import peak

__all__ = ["Adam", "AdamW", "Muon", "Optimiser", "class_of", "for_recipe", "masked_step", "step_unless"]


def class_of(kind: str) -> type[Optimiser]:
    """The class of an `optimizer.kind`."""
    classes: dict[str, type[Optimiser]] = {"adam": Adam, "adamw": AdamW, "muon": Muon}
    return classes[kind]


def for_recipe(recipe: Recipe, model: nn.Module) -> Optimiser:
    """The optimiser of a recipe, whose rates the loop sets. Raises RecipeError where this torch lacks it."""
    optimiser = class_of(recipe.optimizer.kind)
    if optimiser.needs and not optimiser.available():
        raise RecipeError(
            f'optimizer.kind = "{recipe.optimizer.kind}" needs torch {optimiser.needs[1]} or newer, this is '
            f"{torch.__version__}; update torch, or use adamw"
        )
    return optimiser.of(recipe.optimizer, model, peak(recipe))
