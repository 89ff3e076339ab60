"""A decoder-only model's step by one token in few calls: for a few vectors, calls are nearly all of its cost.

Shapes: N hypotheses, H heads, D head width, C model width.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq.model.attention import attend
from seq2seq.model.blocks import Block
from seq2seq.model.components import FeedForward
from seq2seq.model.state import Cache

Function = Callable[[Tensor], Tensor]


class FastStep:
    """A `Block` without dropout for one position of each hypothesis, its modules bound in advance. Built for each
    decoding state, since training changes the weights."""

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
