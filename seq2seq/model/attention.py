"""Multi-head attention ("Attention Is All You Need", section 3.2), heads as the fourth dimension.

Shapes: B batch, H heads, T queries, S keys, D head width, C = H x D model width.
Masks are bool and **True means "may attend"**, broadcastable to (B, H, T, S); None hides nothing.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq.model.components import query_key_transforms
from seq2seq.model.state import Cache, KeyValue
from seq2seq.recipe import Model as ModelConfig

# Up to this many scores per head, two products and a softmax beat the CPU kernels of scaled_dot_product_attention,
# whose backward is slow; above it the scores would no longer fit the processor's cache. Single queries in float32
# are the exception: six operators take longer than one.
MAX_EXPLICIT_SCORES = 128 * 128


def attend(query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """Scaled dot-product attention, equation 1: softmax(QKᵀ/√D)V.

    query (B, H, T, D), key and value (B, H, S, D) -> (B, H, T, D). With `causal`, query t sees the keys up to S - T + t
    (queries are the last T of S positions), in addition to what `mask` allows. Every query must see at least one key.
    """
    T, S = query.size(-2), key.size(-2)
    if T == 1:
        causal = False  # the last position sees all keys
    if query.dtype != key.dtype:  # a cache may be more precise than autocast
        with torch.autocast(query.device.type, enabled=False):
            return attend(query.to(key.dtype), key, value, mask=mask, causal=causal)
    single = T == 1 and mask is None and query.dtype == torch.float32
    if query.device.type == "cpu" and T * S <= MAX_EXPLICIT_SCORES and not single:
        return _products(query, key, value, _with_causal(mask, T, S, query.device) if causal else mask)
    if causal and (mask is not None or T != S):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=_with_causal(mask, T, S, query.device))
    if mask is not None and mask.dim() < 2:
        mask = mask[None]  # the fused kernels take no mask of one dimension
    if mask is not None and query.device.type == "mps":
        mask = mask.expand(query.size(0), query.size(1), T, S)  # broadcast masks are wrong there before mid-2026
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)


def weights(query: Tensor, key: Tensor, *, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """What `attend` multiplies the values by, softmax(QKᵀ/√D), (B, H, T, S): each row a distribution over the keys.

    It is attention to an identity matrix in place of the values, so that the numbers are those of the same kernels.
    """
    S = key.size(-2)
    identity = torch.eye(S, dtype=key.dtype, device=key.device).expand(*key.shape[:2], S, S)
    return attend(query, key, identity, mask=mask, causal=causal)


def _with_causal(mask: Tensor | None, T: int, S: int, device: torch.device) -> Tensor:
    past = torch.ones(T, S, dtype=torch.bool, device=device).tril_(S - T)
    return past if mask is None else mask & past


def _products(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    scores, scale = query @ key.transpose(-2, -1), query.size(-1) ** -0.5  # (B, H, T, S)
    if scores.requires_grad:
        return _Softmax.apply(scores, scale, mask) @ value  # type: ignore[no-any-return,no-untyped-call,unused-ignore]
    scores.mul_(scale)
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return scores.softmax(-1) @ value


class _Softmax(torch.autograd.Function):
    """Softmax of scores (B, H, T, S) times a scale, of those that the mask allows, with its gradient.

    Rows of some tens of scores are too short for the CPU kernels of torch, which go row by row, and in bfloat16 slower
    still; as sums and products of whole blocks in float32 they take about half the time.
    """

    @staticmethod
    def forward(ctx: Any, scores: Tensor, scale: float, mask: Tensor | None) -> Tensor:
        exact = scores.to(torch.promote_types(scores.dtype, torch.float32)) * scale
        if mask is not None:
            exact.masked_fill_(~mask, torch.finfo(exact.dtype).min)
        exact.sub_(exact.amax(-1, keepdim=True)).exp_()
        weights = exact.div_(exact.sum(-1, keepdim=True)).to(scores.dtype)
        ctx.save_for_backward(weights)
        ctx.scale = scale
        return weights

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (weights,) = ctx.saved_tensors
        exact = weights.to(torch.promote_types(weights.dtype, torch.float32))
        product = exact * gradient
        product.sub_(exact * product.sum(-1, keepdim=True)).mul_(ctx.scale)
        return product.to(gradient.dtype), None, None


class SelfAttention(nn.Module):
    """Attention of a sequence to itself; `causal` hides the future (section 3.2.3)."""

    def __init__(self, config: ModelConfig, *, causal: bool) -> None:
        super().__init__()
        self.n_heads = config.n_heads
        self.causal = causal
        self.query_key_value = _projection(config, 3)
        self.output = _projection(config, 1)
        self.transforms = query_key_transforms(config)

    def forward(self, x: Tensor, mask: Tensor | None = None, cache: Cache | None = None) -> Tensor:
        """x (B, T, C) -> (B, T, C). A cache holds the keys and values of earlier positions and takes those of x."""
        query, key, value = self.project(x, 0 if cache is None else cache.length)
        if cache is not None:
            key, value = cache.append(key, value)
        return self.output(_merge(attend(query, key, value, mask=mask, causal=self.causal)))  # type: ignore[no-any-return]

    def project(self, x: Tensor, start: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value of x (B, T, C), the first at position `start`: each (B, H, T, D)."""
        B, T, _ = x.shape
        packed = self.query_key_value(x).view(B, T, 3, self.n_heads, -1)
        query_key, value = packed.split((2, 1), dim=2)  # one gradient, where two slices would each fill a whole one
        for transform in self.transforms:
            query_key = transform(query_key, start)
        query, key = query_key.permute(2, 0, 3, 1, 4)
        return query, key, value.squeeze(2).transpose(1, 2)

    def weights(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """What `forward` weights the values of x (B, T, C) by, (B, H, T, T)."""
        query, key, _ = self.project(x)
        return weights(query, key, mask=mask, causal=self.causal)


class CrossAttention(nn.Module):
    """Attention of the decoder to the memory: queries from the one, keys and values from the other (section 3.2.3)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_heads = config.n_heads
        self.query = _projection(config, 1)
        self.key_value = _projection(config, 2)
        self.output = _projection(config, 1)

    def project(self, memory: Tensor) -> KeyValue:
        """Keys and values of a memory (B, S, C), computed once per source: each (B, H, S, D)."""
        key, value = self.key_value(memory).chunk(2, dim=-1)
        return KeyValue(_split(key, self.n_heads), _split(value, self.n_heads))

    def forward(self, x: Tensor, memory: KeyValue, mask: Tensor | None = None) -> Tensor:
        """x (N, T, C) over B memories -> (N, T, C); N is B, or B x K where K rows (beams) in turn share a memory."""
        context = _merge(attend(self._queries(x, memory), memory.key, memory.value, mask=mask))
        return self.output(context.view(x.shape))  # type: ignore[no-any-return]

    def weights(self, x: Tensor, memory: KeyValue, mask: Tensor | None = None) -> Tensor:
        """What `forward` weights the values of the memory by, (B, H, K x T, S)."""
        return weights(self._queries(x, memory), memory.key, mask=mask)

    def _queries(self, x: Tensor, memory: KeyValue) -> Tensor:
        # Beams become queries of their sentence's one memory, so that it is never copied.
        query = self.query(x).view(memory.key.size(0), -1, x.size(-1))  # (B, K x T, C)
        return _split(query, self.n_heads)


def _projection(config: ModelConfig, count: int) -> nn.Linear:
    """`count` square matrices as one product, each initialised by itself."""
    linear = nn.Linear(config.d_model, count * config.d_model, bias=config.bias)
    for matrix in linear.weight.chunk(count):
        nn.init.xavier_uniform_(matrix)
    if config.bias:
        nn.init.zeros_(linear.bias)
    return linear


def _split(x: Tensor, n_heads: int) -> Tensor:
    return x.view(*x.shape[:-1], n_heads, -1).transpose(1, 2)  # (B, T, C) -> (B, H, T, D)


def _merge(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)  # (B, H, T, D) -> (B, T, C)
