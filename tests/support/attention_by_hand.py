"""Attention weights recomputed in NumPy from a model's raw weights: every architecture, every kind of position.

Nothing is shared with seq2seq. One sequence at a time; T positions, C model width, H heads, D head width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.recipe import Model

Floats = NDArray[np.float64]


class ByHand:
    """The attention of a model, layer by layer, (H, T, S) each, and the states that come out."""

    def __init__(self, config: Model, weights: Mapping[str, Any]) -> None:
        self.config = config
        self.weights = {name: np.asarray(weight, np.float64) for name, weight in weights.items()}
        self.attention: list[Floats] = []

    def encode(self, tokens: Sequence[int], stack: str, embedding: str, *, causal: bool) -> Floats:
        """The states of an encoder, or of a GPT; its attention is added to `attention`."""
        x = self._embed(embedding, f"{stack}positions.table.weight", tokens)
        for layer in self._layers(stack):
            x = self._residual(f"{layer}attention_residual.", x, self._attend_self(layer, causal))
            x = self._residual(f"{layer}feed_forward_residual.", x, self._feed_forward(layer))
        return self._last_norm(f"{stack}norm.", x)

    def decode(self, tokens: Sequence[int], memory: Floats) -> Floats:
        """The states of a decoder over a memory."""
        x = self._embed("target_embedding.weight", "positions.table.weight", tokens)
        for layer in self._layers("decoder."):
            x = self._residual(f"{layer}attention_residual.", x, self._attend_self(layer, True))
            x = self._residual(f"{layer}cross_attention_residual.", x, self._attend_memory(layer, memory))
            x = self._residual(f"{layer}feed_forward_residual.", x, self._feed_forward(layer))
        return self._last_norm("decoder.norm.", x)

    def _embed(self, name: str, learned: str, tokens: Sequence[int]) -> Floats:
        config, places = self.config, np.arange(len(tokens))
        x = self.weights[name][list(tokens)] * (np.sqrt(config.d_model) if config.scale_embedding else 1.0)
        if config.positions == "learned":
            x = x + self.weights[learned][places]
        if config.positions == "sinusoidal":
            for pair in range(0, config.d_model, 2):
                angle = places / 10000 ** (pair / config.d_model)
                x[:, pair] += np.sin(angle)
                x[:, pair + 1] += np.cos(angle)
        return x

    def _attend_self(self, layer: str, causal: bool) -> Any:
        def attend(x: Floats) -> Floats:
            query, key, value = map(self._heads, np.split(self._linear(f"{layer}attention.query_key_value.", x), 3, 1))
            if self.config.qk_norm:
                epsilon = np.finfo(np.float32).eps
                query, key = (each / np.sqrt((each**2).mean(-1, keepdims=True) + epsilon) for each in (query, key))
            if self.config.positions == "rotary":
                query, key = _rotated(query), _rotated(key)
            hidden = np.triu(np.ones((len(x), len(x))), 1) > 0 if causal else np.zeros((len(x), len(x))) > 0
            return self._attended(f"{layer}attention.output.", query, key, value, hidden)

        return attend

    def _attend_memory(self, layer: str, memory: Floats) -> Any:
        def attend(x: Floats) -> Floats:
            query = self._heads(self._linear(f"{layer}cross_attention.query.", x))
            key, value = map(self._heads, np.split(self._linear(f"{layer}cross_attention.key_value.", memory), 2, 1))
            hidden = np.zeros((len(x), len(memory))) > 0
            return self._attended(f"{layer}cross_attention.output.", query, key, value, hidden)

        return attend

    def _attended(self, output: str, query: Floats, key: Floats, value: Floats, hidden: NDArray[np.bool_]) -> Floats:
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])  # (H, T, S)
        powers = np.where(hidden, 0.0, np.exp(scores - scores.max(-1, keepdims=True)))
        weights = powers / powers.sum(-1, keepdims=True)
        self.attention.append(weights)
        return self._linear(output, (weights @ value).transpose(1, 0, 2).reshape(len(query[0]), -1))

    def _feed_forward(self, layer: str) -> Any:
        def forward(x: Floats) -> Floats:
            return self._linear(
                f"{layer}feed_forward.outer.", np.maximum(self._linear(f"{layer}feed_forward.inner.", x), 0)
            )

        return forward

    def _residual(self, name: str, x: Floats, sublayer: Any) -> Floats:
        if self.config.norm == "pre":
            return x + sublayer(self._normed(f"{name}norm.", x))  # type: ignore[no-any-return]
        return self._normed(f"{name}norm.", x + sublayer(x))

    def _last_norm(self, name: str, x: Floats) -> Floats:
        return self._normed(name, x) if self.config.norm == "pre" else x

    def _normed(self, name: str, x: Floats) -> Floats:
        centred = x - x.mean(1, keepdims=True)
        return (
            centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5) * self.weights[f"{name}weight"]
            + (self.weights[f"{name}bias"])
        )

    def _linear(self, name: str, x: Floats) -> Floats:
        return x @ self.weights[f"{name}weight"].T + self.weights[f"{name}bias"]

    def _heads(self, x: Floats) -> Floats:
        return x.reshape(len(x), self.config.n_heads, -1).transpose(1, 0, 2)  # (T, C) -> (H, T, D)

    def _layers(self, stack: str) -> list[str]:
        start = f"{stack}blocks."
        numbers = {name.removeprefix(start).split(".")[0] for name in self.weights if name.startswith(start)}
        return [f"{start}{number}." for number in sorted(numbers, key=int)]


def _rotated(x: Floats) -> Floats:
    """Each pair of coordinates i and i + D/2 turned by t / 10000^(2i/D)."""
    half, turned = x.shape[-1] // 2, np.empty_like(x)
    for t in range(x.shape[1]):
        for i in range(half):
            angle = t / 10000 ** (2 * i / x.shape[-1])
            one, other = x[:, t, i], x[:, t, i + half]
            turned[:, t, i] = one * np.cos(angle) - other * np.sin(angle)
            turned[:, t, i + half] = other * np.cos(angle) + one * np.sin(angle)
    return turned
