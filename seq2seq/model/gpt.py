"""The decoder-only half of the Transformer: causal layers alone, each position predicting the next token.

Shapes: B batch, N hypotheses, H heads, T length, D head width, C model width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq.model import flops
from seq2seq.model.attention import attend
from seq2seq.model.blocks import Block
from seq2seq.model.components import FeedForward, initialise
from seq2seq.model.embedding import Embedding
from seq2seq.model.heads import VocabularyHead, scale_last_norm
from seq2seq.model.positions import added_positions
from seq2seq.model.stack import Stack
from seq2seq.model.state import Cache, History, State
from seq2seq.recipe import Model as ModelConfig


class Gpt(Stack[Block]):
    """A stack of the encoder's layers, made causal; a text of any length is read through a window of `max_length`."""

    def __init__(self, config: ModelConfig, vocabulary: int) -> None:
        embedding = Embedding(vocabulary, config.d_model, scaled=config.scale_embedding)
        positions = added_positions(config, config.max_length)
        layers = (Block(config, causal=True) for _ in range(config.decoder_layers))
        super().__init__(config, embedding, positions, layers)
        self.context = config.max_length
        initialise(self.blocks, config)
        scale_last_norm(self.norm, embedding, config)
        self.head: nn.Linear = VocabularyHead(embedding, tied=config.tie != "none")

    def hidden(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T) -> the states before `head`, (B, T, C); position t sees tokens up to t."""
        x = self.dropout(self.embed(tokens))
        for block in self.blocks:
            x = block(x)
        return self.norm(x)  # type: ignore[no-any-return]

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T) -> logits (B, T, V) of the tokens that follow."""
        return self.head(self.hidden(tokens))  # type: ignore[no-any-return]

    def forward_flops(self, tokens: Tensor, *, counted: Tensor) -> float:
        """FLOPs that a forward pass needs for the labels `counted` (B, T), bool, with the formulas of `flops`: the
        layers' matrices and causal attention up to a row's last label L, the head for what counts."""
        lengths = flops.lengths(counted)
        attention = len(self.blocks) * flops.of_causal_attention(self.head.in_features, lengths)
        return attention + flops.of_weights(self.matrices(), lengths) + flops.of_weights([self.head.weight], counted)

    def begin_decoding(self, tokens: Tensor) -> tuple[State, Tensor]:
        """The state that has read the first half of a batch's tokens (B, T), and the tokens that follow."""
        half = tokens.size(1) // 2
        return self.start(tokens[:, :half]), tokens[:, half:]

    def start(self, prompt: Tensor) -> State:
        """The state after reading B prompts (B, P); of prompts longer than the context, the last half a context."""
        newest = prompt if prompt.size(1) <= self.context else prompt[:, -max(1, self.context // 2) :]
        caches = [Cache() for _ in self.blocks]
        state = State(caches, [], None, history=History([newest]), layers=[FastStep(block) for block in self.layers()])
        if newest.size(1):
            self._read(newest, state)
        return state

    def step(self, tokens: Tensor, state: State) -> Tensor:
        """The next tokens (N, T) of each hypothesis -> logits (N, T, V); `state` is updated.

        Where they would pass the context, the window moves: the newest half of it is read again, from position 0.
        """
        T = tokens.size(1)
        assert state.history is not None
        state.history.append(tokens)
        if state.length + T > self.context:
            tokens = state.history.newest(max(T, self.context // 2))
            state.caches = [Cache() for _ in self.blocks]
            state.length, state.history = 0, History([tokens])
        return self.head(self._read(tokens, state)[:, -T:])  # type: ignore[no-any-return]

    def _read(self, tokens: Tensor, state: State) -> Tensor:
        x = self.embed(tokens, start=state.length)
        state.length += tokens.size(1)
        if tokens.size(1) == 1:
            x = x.squeeze(1)
            for layer, cache in zip(state.layers, state.caches, strict=True):
                x = layer(x, cache)
            return self.norm(x).unsqueeze(1)  # type: ignore[no-any-return]
        for block, cache in zip(self.blocks, state.caches, strict=True):
            x = block(x, cache=cache)
        return self.norm(x)  # type: ignore[no-any-return]


Function = Callable[[Tensor], Tensor]


class FastStep:
    """A `Block` without dropout for one position of each hypothesis, its modules bound in advance: for a few vectors,
    calls are nearly all of the cost. Built for each decoding state, since training changes the weights."""

    def __init__(self, block: Block) -> None:
        attention = block.attention
        self._pre = block.attention_residual.pre
        self._n_heads = attention.n_heads
        self._attention_norm = block.attention_residual.norm.forward
        self._query_key_value = _function(attention.query_key_value)
        self._transforms = [transform.forward for transform in attention.transforms]
        self._output = _function(attention.output)
        self._feed_forward_norm = block.feed_forward_residual.norm.forward
        self._feed_forward = _function(block.feed_forward)

    def __call__(self, x: Tensor, cache: Cache) -> Tensor:
        """x (N, C) -> (N, C); the cache takes the position's keys and values."""
        if self._pre:
            x = x + self._attend(self._attention_norm(x), cache)
            return x + self._feed_forward(self._feed_forward_norm(x))
        x = self._attention_norm(x + self._attend(x, cache))
        return self._feed_forward_norm(x + self._feed_forward(x))  # type: ignore[no-any-return]

    def _attend(self, x: Tensor, cache: Cache) -> Tensor:
        N, C = x.shape
        packed = self._query_key_value(x).view(N, 1, 3, self._n_heads, -1)
        query_key, value = packed.narrow(2, 0, 2), packed.select(2, 2).transpose(1, 2)
        for transform in self._transforms:
            query_key = transform(query_key, cache.length)
        query, key = query_key.permute(2, 0, 3, 1, 4).unbind()  # each (N, H, 1, D)
        stored = cache.append(key, value)
        return self._output(attend(query, stored.key, stored.value).view(N, C))


def _function(module: nn.Module) -> Function:
    """A module as a function. Plain modules, whose calls would take a tenth of a small model's time, are reduced to
    their operators; any other, a linear map with an adapter for example, is called itself."""
    if type(module) is nn.Linear:
        return partial(F.linear, weight=module.weight, bias=module.bias)
    if type(module) is FeedForward:
        inner, activation, outer = _function(module.inner), module.activation, _function(module.outer)
        return lambda x: outer(activation(inner(x)))
    return module
