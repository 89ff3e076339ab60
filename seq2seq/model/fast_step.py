"""A decoder-only model's step by one token, in few calls: over a few vectors those are all that it costs.

Shapes: N hypotheses, H heads, D head width, C model width.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq.model.attention import attend
from seq2seq.model.blocks import Block
from seq2seq.model.state import Cache


class FastStep:
    """What a `Block` without dropout does to one position of each hypothesis, its parts at hand rather than looked up
    and called as modules. Made anew for each state, since the weights of a model in training move."""

    def __init__(self, block: Block) -> None:
        attention, feed_forward = block.attention, block.feed_forward
        self._pre = block.attention_residual.pre
        self._n_heads = attention.n_heads
        self._attention_norm = block.attention_residual.norm.forward
        self._query_key_value = _product(attention.query_key_value)
        self._heads = [change.forward for change in attention.transforms]
        self._output = _product(attention.output)
        self._feed_forward_norm = block.feed_forward_residual.norm.forward
        self._inner = _product(feed_forward.inner)
        self._activation = feed_forward.activation
        self._outer = _product(feed_forward.outer)

    def __call__(self, x: Tensor, cache: Cache) -> Tensor:
        """x (N, C) -> (N, C); the cache takes the position's keys and values."""
        if self._pre:
            x = x + self._attend(self._attention_norm(x), cache)
            return x + self._outer(self._activation(self._inner(self._feed_forward_norm(x))))
        x = self._attention_norm(x + self._attend(x, cache))
        return cast(Tensor, self._feed_forward_norm(x + self._outer(self._activation(self._inner(x)))))

    def _attend(self, x: Tensor, cache: Cache) -> Tensor:
        N, C = x.shape
        both = self._query_key_value(x).view(N, 1, 3, self._n_heads, -1)
        query_key, value = both.narrow(2, 0, 2), both.select(2, 2).transpose(1, 2)
        for change in self._heads:
            query_key = change(query_key, cache.length)
        query, key = query_key.permute(2, 0, 3, 1, 4).unbind()  # each (N, H, 1, D)
        stored = cache.append(key, value)
        return self._output(attend(query, stored.key, stored.value).view(N, C))


def _product(linear: nn.Linear) -> Callable[[Tensor], Tensor]:
    return partial(F.linear, weight=linear.weight, bias=linear.bias)


def fast_steps(blocks) -> list[FastStep]:
    """The steps of a decoder-only model's blocks."""
    return [FastStep(cast(Block, block)) for block in blocks]
