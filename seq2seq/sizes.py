"""Lower bound on a model's parameters, checked against memory before the model is built."""

from __future__ import annotations

from pathlib import Path

import torch

from seq2seq import limits
from seq2seq.errors import RecipeError, RunError
from seq2seq.model.components import feed_forward
from seq2seq.model.stack import matrices_of
from seq2seq.recipe import Model, Recipe

_FLOAT32 = 4  # bytes


def least_parameters(model: Model, vocabulary: int = 0) -> int:
    """A lower bound, close to the exact number: the parameters of the matrices, with embeddings that may be tied
    counted once."""
    squares = model.d_model**2
    with torch.device("meta"):  # only the feed-forward: tables of positions would take real memory
        block = 4 * squares + sum(matrix.numel() for matrix in matrices_of([feed_forward(model)]))
    layers = (model.layers_of_decoder + model.layers_of_encoder) * block
    if model.layers_of_encoder:
        layers += model.layers_of_decoder * 4 * squares
    positions = model.max_length if model.positions == "learned" else 0
    return layers + (vocabulary + positions) * model.d_model


def must_fit_machine(recipe: Recipe, vocabulary: int = 0) -> None:
    """Raise RecipeError where the model alone, in float32, is larger than this machine's memory."""
    least = least_parameters(recipe.model, vocabulary)
    available = limits.memory()
    if least * _FLOAT32 > available:
        raise RecipeError(
            f"recipe {recipe.name}: the model has at least {least:,} parameters, {least * _FLOAT32 / 2**30:,.0f} GiB "
            f"in float32, and this machine has {available / 2**30:,.0f} GiB of memory; lower {_largest(recipe.model)}"
        )


def must_fit_file(model: Model, vocabulary: int, weights: Path) -> None:
    """Raise RunError where the weights file is too small for the model of the recipe, before building the model."""
    least, size = least_parameters(model, vocabulary), weights.stat().st_size
    if least > size:
        raise RunError(
            f"{weights} has {size:,} bytes, and the model of recipe.toml at least {least:,} parameters: they are of "
            "different runs, or one was changed; restore both from a backup"
        )


def _largest(model: Model) -> str:
    """The size that is largest in proportion to its default."""
    usual = Model()
    names = ("d_model", "d_ff", "encoder_layers", "decoder_layers", "max_length")
    name = max(names, key=lambda each: getattr(model, each) / getattr(usual, each))
    return f"model.{name} = {getattr(model, name):,}"
