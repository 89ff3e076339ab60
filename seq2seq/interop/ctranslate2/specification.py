"""A model's weights as a CTranslate2 specification.

CTranslate2 stores the projections of attention as we do: queries, keys and values stacked in one matrix; for attention
to the memory, keys and values in one. Rotary positions rotate the halves of a head, as ours do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from ctranslate2 import specs
from numpy.typing import NDArray

from seq2seq.data.tokenizer import SPECIAL
from seq2seq.model.positions import sinusoids
from seq2seq.recipe import Model, Recipe

Array = NDArray[np.float32]
Weights = Mapping[str, Array]

_ACTIVATIONS = {activation.name.lower(): activation for activation in specs.Activation}
_PAD, _UNKNOWN, _BOS, _EOS = SPECIAL
# Of torch's norms: the default of LayerNorm, and what RMSNorm uses by default.
_EPSILON = {"layer": 1e-5, "rms": float(np.finfo(np.float32).eps)}


class Conversion(NamedTuple):
    """How models of an architecture are expressed."""

    fill: Callable[[Model, Weights, int], Any]  # a specification of sequences of so many tokens, at most
    positions: Callable[[Recipe, int], int]  # so many, for so many tokens of the longest source
    decoder_only: bool = False
    classifies: bool = False  # by a class head on the states of an encoder

    @property
    def _memory(self) -> bool:
        """Whether a decoder attends to an encoder's states."""
        return not (self.decoder_only or self.classifies)

    def inexpressible(self, model: Model) -> str:
        """Why CTranslate2 cannot compute a recipe's model, in one line; an empty string where it can."""
        if model.activation not in _ACTIVATIONS:
            return f"CTranslate2 has no model.activation = {model.activation}"
        if model.qk_norm and self._memory:
            return "CTranslate2 would also normalise attention to the memory, which model.qk_norm does not"
        if model.positions == "rotary" and self._memory:
            return "CTranslate2 has no model.positions = rotary in an encoder-decoder"
        return ""

    def specification(
        self, model: Model, weights: Weights, source: Sequence[str], target: Sequence[str], positions: int
    ) -> Any:
        """The specification, ready to be saved, of a model that is not `inexpressible`.

        `source` and `target` are the vocabularies, of distinct strings; sequences have at most `positions`
        tokens.
        """
        spec = self.fill(model, weights, positions)
        if self._memory:
            spec.register_source_vocabulary(list(source))
            spec.register_target_vocabulary(list(target))
            spec.config.add_source_eos = True
            spec.config.decoder_start_token = _BOS
        else:
            spec.register_vocabulary(list(source if self.classifies else target))
        spec.config.unk_token, spec.config.bos_token, spec.config.eos_token = _UNKNOWN, _BOS, _EOS
        spec.config.layer_norm_epsilon = _EPSILON[model.normalization]
        spec.validate()
        return spec


def _encoder_decoder(model: Model, weights: Weights, positions: int) -> Any:
    encoder = specs.TransformerEncoderSpec(model.encoder_layers, model.n_heads, **_layers(model))
    decoder = specs.TransformerDecoderSpec(model.decoder_layers, model.n_heads, **_layers(model))
    target = weights["target_embedding.weight"]
    encoder.embeddings[0].weight = weights.get("source_embedding.weight", target)
    decoder.embeddings.weight = target
    decoder.projection.weight = weights.get("head.weight", target)
    _stack(encoder, weights, "encoder.", model, positions)
    _stack(decoder, weights, "decoder.", model, positions)
    for number, layer in enumerate(decoder.layer):
        name = f"decoder.blocks.{number}.cross_attention"
        for linear, part in zip(layer.attention.linear, ("query", "key_value", "output"), strict=True):
            _linear(linear, weights, f"{name}.{part}")
        _norm(layer.attention.layer_norm, weights, f"{name}_residual.norm")
    return specs.TransformerSpec(encoder, decoder)


def _layers(model: Model) -> dict[str, Any]:
    """How the layers of a model are made."""
    return {
        "pre_norm": model.norm == "pre",
        "activation": _ACTIVATIONS[model.activation],
        "rms_norm": model.normalization == "rms",
        "rotary_dim": 0 if model.positions == "rotary" else None,  # 0: all of a head
        "rotary_interleave": False,
        "qk_norm": model.qk_norm,
    }


def _decoder_only(model: Model, weights: Weights, positions: int) -> Any:
    spec = specs.TransformerDecoderModelSpec.from_config(model.decoder_layers, model.n_heads, **_layers(model))
    spec.decoder.embeddings.weight = weights["embedding.weight"]
    spec.decoder.projection.weight = weights.get("head.weight", weights["embedding.weight"])
    _stack(spec.decoder, weights, "", model, positions)
    return spec


def _encoder_only(model: Model, weights: Weights, positions: int) -> Any:
    """The encoder of a classifier, without its head."""
    encoder = specs.TransformerEncoderSpec(model.encoder_layers, model.n_heads, **_layers(model))
    own = {name.removeprefix("encoder."): weight for name, weight in weights.items()}
    encoder.embeddings[0].weight = own["embedding.weight"]
    _stack(encoder, own, "", model, positions)
    return specs.TransformerEncoderModelSpec(encoder)


def _stack(stack: Any, weights: Weights, prefix: str, model: Model, positions: int) -> None:
    """An encoder or a decoder, but for its embeddings and attention to the memory."""
    stack.scale_embeddings = model.scale_embedding
    if model.positions != "rotary":
        stack.position_encodings.encodings = _positions(model, weights, positions)
    for number, layer in enumerate(stack.layer):
        _block(layer, weights, f"{prefix}blocks.{number}", model)
    if model.norm == "pre":
        _norm(stack.layer_norm, weights, f"{prefix}norm")


def _positions(model: Model, weights: Weights, length: int) -> Array:
    """The vectors of the first positions; positions past the last learned one have its vector."""
    if model.positions == "sinusoidal":
        return sinusoids(length, model.d_model).numpy()
    table = weights["positions.table.weight"]
    return table[np.minimum(np.arange(length), len(table) - 1)]


def _block(layer: Any, weights: Weights, name: str, model: Model) -> None:
    """Self-attention and feed-forward."""
    for linear, part in zip(layer.self_attention.linear, ("query_key_value", "output"), strict=True):
        _linear(linear, weights, f"{name}.attention.{part}")
    _norm(layer.self_attention.layer_norm, weights, f"{name}.attention_residual.norm")
    if model.qk_norm:
        width = model.d_model // model.n_heads
        layer.self_attention.q_norm.gamma = layer.self_attention.k_norm.gamma = np.ones(width, np.float32)
    _linear(layer.ffn.linear_0, weights, f"{name}.feed_forward.inner")
    _linear(layer.ffn.linear_1, weights, f"{name}.feed_forward.outer")
    _norm(layer.ffn.layer_norm, weights, f"{name}.feed_forward_residual.norm")


def _linear(linear: Any, weights: Weights, name: str) -> None:
    linear.weight = weights[f"{name}.weight"]
    if f"{name}.bias" in weights:
        linear.bias = weights[f"{name}.bias"]


def _norm(norm: Any, weights: Weights, name: str) -> None:
    norm.gamma = weights[f"{name}.weight"]
    if hasattr(norm, "beta"):
        norm.beta = weights.get(f"{name}.bias", np.zeros_like(norm.gamma))


# A decoder starts with BOS; a model of one sequence must not exceed its context.
ENCODER_DECODER = Conversion(
    _encoder_decoder, lambda recipe, longest: recipe.model.max_length + recipe.decoding.max_extra + 1
)
DECODER_ONLY = Conversion(_decoder_only, lambda recipe, longest: recipe.model.max_length, decoder_only=True)
ENCODER_ONLY = Conversion(_encoder_only, lambda recipe, longest: longest, classifies=True)


def conversion(model: Model) -> Conversion:
    """How models of a recipe are expressed."""
    return {"encoder-decoder": ENCODER_DECODER, "decoder-only": DECODER_ONLY, "encoder-only": ENCODER_ONLY}[
        model.architecture
    ]
