"""Models over tokens: everything that depends on their architecture, chosen in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from seq2seq import sizes
from seq2seq.data.batches import JOINED, SIDE_BY_SIDE, Layout
from seq2seq.decoding.translation.engine import Engine
from seq2seq.decoding.translation.torch import DecoderOnlyEngine, TorchEngine
from seq2seq.device import Numerics
from seq2seq.model.gpt import Gpt
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import Model as ModelConfig
from seq2seq.recipe import Recipe

Model = Transformer | Gpt


class Architecture(NamedTuple):
    """What depends on the architecture."""

    layout: Layout  # of pairs in a batch
    sides: int  # of a pair in one sequence of the model
    model: Callable[[ModelConfig, int, int], Model]  # new weights; vocabularies of source and target
    engine: Callable[[Any, Numerics], Engine]  # what searches with such a model


ENCODER_DECODER = Architecture(SIDE_BY_SIDE, 1, Transformer, TorchEngine)
DECODER_ONLY = Architecture(JOINED, 2, lambda config, _, vocabulary: Gpt(config, vocabulary), DecoderOnlyEngine)


def architecture(recipe: Recipe) -> Architecture:
    """The architecture of a recipe."""
    return {"encoder-decoder": ENCODER_DECODER, "decoder-only": DECODER_ONLY}[recipe.model.architecture]


def model(recipe: Recipe, source_vocabulary: int, target_vocabulary: int) -> Model:
    """The model, its weights drawn from torch's generator. Raises RecipeError where this machine cannot hold it."""
    sizes.must_fit_machine(recipe, target_vocabulary)
    return architecture(recipe).model(recipe.model, source_vocabulary, target_vocabulary)


def longest_source(recipe: Recipe) -> int:
    """The longest source that the recipe's model translates, in tokens, EOS included."""
    return recipe.model.max_length // architecture(recipe).sides
