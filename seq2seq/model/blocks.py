"""The layers: `Block` (encoder layer, or decoder-only layer where causal) and `CrossBlock` (decoder layer with a
memory)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn

from seq2seq.model.attention import CrossAttention, SelfAttention
from seq2seq.model.dropout import Dropout
from seq2seq.model.parts import PAPER, Parts
from seq2seq.model.state import Cache, KeyValue

Norm = Literal["post", "pre"]


class Residual(nn.Module):
    """Norm, dropout and residual around a sub-layer f, the only place where they are.

    post (section 3.1): norm(x + dropout(f(x)));  pre: x + dropout(f(norm(x))).
    """

    def __init__(self, d_model: int, dropout: float, norm: Norm, parts: Parts = PAPER) -> None:
        super().__init__()
        self.pre = norm == "pre"
        self.norm = parts.norm(d_model)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        # Sums of two kinds of numbers are slow on a CPU, so that the sub-layer's are first made those of x.
        if self.pre:
            return x + self.dropout(sublayer(self.norm(x))).to(x.dtype)  # type: ignore[no-any-return]
        return self.norm(x + self.dropout(sublayer(x)).to(x.dtype))  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    """Two linear maps with a ReLU, or another function, between, the same at every position (section 3.3)."""

    def __init__(self, d_model: int, d_ff: int, parts: Parts = PAPER) -> None:
        super().__init__()
        self.activation = parts.activation
        self.inner = nn.Linear(d_model, d_ff, bias=parts.bias)
        self.outer = nn.Linear(d_ff, d_model, bias=parts.bias)
        for linear in (self.inner, self.outer):
            nn.init.xavier_uniform_(linear.weight)
            if parts.bias:
                nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        return self.outer(self.activation(self.inner(x)))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Self-attention and feed-forward. causal=False is the encoder layer, causal=True the decoder-only (GPT) layer."""

    def __init__(
        self,
        d_model: int,
        d_ff: int,
        n_heads: int,
        *,
        causal: bool,
        dropout: float,
        norm: Norm,
        parts: Parts = PAPER,
    ) -> None:
        super().__init__()
        self.attention = SelfAttention(d_model, n_heads, causal=causal, parts=parts)
        self.feed_forward = FeedForward(d_model, d_ff, parts)
        self.attention_residual = Residual(d_model, dropout, norm, parts)
        self.feed_forward_residual = Residual(d_model, dropout, norm, parts)

    def forward(self, x: Tensor, mask: Tensor | None = None, cache: Cache | None = None) -> Tensor:
        """x (B, T, C) -> (B, T, C); mask broadcastable to (B, H, T, S), True = may attend."""
        x = self.attention_residual(x, lambda y: self.attention(y, mask, cache))
        return self.feed_forward_residual(x, self.feed_forward)  # type: ignore[no-any-return]


class CrossBlock(nn.Module):
    """Causal self-attention, attention to the memory, feed-forward: the paper's decoder layer (section 3.1)."""

    def __init__(
        self, d_model: int, d_ff: int, n_heads: int, *, dropout: float, norm: Norm, parts: Parts = PAPER
    ) -> None:
        super().__init__()
        self.attention = SelfAttention(d_model, n_heads, causal=True, parts=parts)
        self.cross_attention = CrossAttention(d_model, n_heads, parts)
        self.feed_forward = FeedForward(d_model, d_ff, parts)
        self.attention_residual = Residual(d_model, dropout, norm, parts)
        self.cross_attention_residual = Residual(d_model, dropout, norm, parts)
        self.feed_forward_residual = Residual(d_model, dropout, norm, parts)

    def project(self, memory: Tensor) -> KeyValue:
        """What `forward` takes of a memory (B, S, C), computed once a source."""
        return self.cross_attention.project(memory)

    def forward(
        self, x: Tensor, memory: KeyValue, memory_mask: Tensor | None = None, cache: Cache | None = None
    ) -> Tensor:
        """x (N, T, C) -> (N, T, C); memory from `project`; memory_mask (B, 1, 1, S), True = may attend."""
        x = self.attention_residual(x, lambda y: self.attention(y, cache=cache))
        x = self.cross_attention_residual(x, lambda y: self.cross_attention(y, memory, memory_mask))
        return self.feed_forward_residual(x, self.feed_forward)  # type: ignore[no-any-return]
