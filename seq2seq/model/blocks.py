"""The layers: `Block` (encoder layer; decoder-only layer where causal) and `CrossBlock` (decoder layer)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from seq2seq.model.attention import CrossAttention, SelfAttention
from seq2seq.model.components import feed_forward, normalization
from seq2seq.model.dropout import Dropout
from seq2seq.model.state import Cache, KeyValue
from seq2seq.recipe import Model as ModelConfig


class Residual(nn.Module):
    """Norm, dropout and residual around a sub-layer f, the only place where they are.

    post (section 3.1): norm(x + dropout(f(x)));  pre: x + dropout(f(norm(x))).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.pre = config.norm == "pre"
        self.norm = normalization(config)
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Tensor, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        # Sums of two data types are slow on a CPU, so the sub-layer's result is first converted to that of x.
        if self.pre:
            return x + self.dropout(sublayer(self.norm(x))).to(x.dtype)  # type: ignore[no-any-return]
        return self.norm(x + self.dropout(sublayer(x)).to(x.dtype))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Self-attention and feed-forward. causal=False is the encoder layer, causal=True the decoder-only (GPT) layer."""

    def __init__(self, config: ModelConfig, *, causal: bool) -> None:
        super().__init__()
        self.attention = SelfAttention(config, causal=causal)
        self.feed_forward = feed_forward(config)
        self.attention_residual = Residual(config)
        self.feed_forward_residual = Residual(config)

    def forward(self, x: Tensor, mask: Tensor | None = None, cache: Cache | None = None) -> Tensor:
        """x (B, T, C) -> (B, T, C); mask broadcastable to (B, H, T, S), True = may attend."""
        x = self.attention_residual(x, lambda y: self.attention(y, mask, cache))
        return self.feed_forward_residual(x, self.feed_forward)  # type: ignore[no-any-return]


class CrossBlock(nn.Module):
    """Causal self-attention, attention to the memory, feed-forward: the paper's decoder layer (section 3.1)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config, causal=True)
        self.cross_attention = CrossAttention(config)
        self.feed_forward = feed_forward(config)
        self.attention_residual = Residual(config)
        self.cross_attention_residual = Residual(config)
        self.feed_forward_residual = Residual(config)

    def forward(
        self, x: Tensor, memory: KeyValue, memory_mask: Tensor | None = None, cache: Cache | None = None
    ) -> Tensor:
        """x (N, T, C) -> (N, T, C); memory as `cross_attention` projects it; memory_mask (B, 1, 1, S)."""
        x = self.attention_residual(x, lambda y: self.attention(y, cache=cache))
        x = self.cross_attention_residual(x, lambda y: self.cross_attention(y, memory, memory_mask))
        return self.feed_forward_residual(x, self.feed_forward)  # type: ignore[no-any-return]
