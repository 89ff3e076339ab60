"""The models that recipes of tokens train: what depends on their architecture, chosen once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from seq2seq import sizes
from seq2seq.data.batches import JOINED, SIDE_BY_SIDE, Layout
from seq2seq.decoding.translation.engine import Engine
from seq2seq.decoding.translation.torch import DecoderOnlyEngine, TorchEngine
from seq2seq.device import Numerics
from seq2seq.model.gpt import Gpt
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import Recipe

if TYPE_CHECKING:
    from seq2seq.interop.ctranslate2.specification import Conversion

Model = Transformer | Gpt


class Architecture(Protocol):
    """What translation does differently by architecture."""

    layout: Layout  # of pairs in a batch
    sides: int  # that share the positions of the model

    def model(self, recipe: Recipe, source_vocabulary: int, target_vocabulary: int) -> Model:
        """A model with new weights."""

    def engine(self, model: Any, numerics: Numerics) -> Engine:
        """What searches with such a model."""

    def conversion(self) -> Conversion:
        """How CTranslate2 expresses such a model."""


class EncoderDecoder:
    """The paper's: a source is encoded, its translation decoded."""

    layout = SIDE_BY_SIDE
    sides = 1

    def model(self, recipe: Recipe, source_vocabulary: int, target_vocabulary: int) -> Transformer:
        """A model with new weights."""
        return Transformer(recipe.model, source_vocabulary, target_vocabulary)

    def engine(self, model: Any, numerics: Numerics) -> TorchEngine:
        """What searches with such a model."""
        return TorchEngine(model, numerics)

    def conversion(self) -> Conversion:
        """How CTranslate2 expresses such a model."""
        from seq2seq.interop.ctranslate2.specification import ENCODER_DECODER

        return ENCODER_DECODER


class DecoderOnly:
    """A GPT: a source is a prompt, and its window would drop the source of one that is too long."""

    layout = JOINED
    sides = 2

    def model(self, recipe: Recipe, source_vocabulary: int, target_vocabulary: int) -> Gpt:
        """A model with new weights."""
        return Gpt(recipe.model, target_vocabulary)

    def engine(self, model: Any, numerics: Numerics) -> DecoderOnlyEngine:
        """What searches with such a model."""
        return DecoderOnlyEngine(model, numerics)

    def conversion(self) -> Conversion:
        """How CTranslate2 expresses such a model."""
        from seq2seq.interop.ctranslate2.specification import DECODER_ONLY

        return DECODER_ONLY


def architecture(recipe: Recipe) -> Architecture:
    """That of a recipe."""
    match recipe.model.architecture:
        case "decoder-only":
            return DecoderOnly()
        case "encoder-decoder":
            return EncoderDecoder()


def model(recipe: Recipe, source_vocabulary: int, target_vocabulary: int) -> Model:
    """The model, its weights drawn from torch's generator. Raises RecipeError where this machine cannot hold it."""
    sizes.must_fit_machine(recipe, target_vocabulary)
    return architecture(recipe).model(recipe, source_vocabulary, target_vocabulary)


def longest_source(recipe: Recipe) -> int:
    """Source tokens that the recipe's model translates, EOS counted."""
    return recipe.model.max_length // architecture(recipe).sides
