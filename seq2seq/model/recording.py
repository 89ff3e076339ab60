"""The attention weights of a forward pass, as the pass itself computes them.

Shapes: B batch, H heads, T queries, S keys.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.model.attention import CrossAttention, SelfAttention
from seq2seq.model.state import Cache, KeyValue

AttentionKind = Literal["encoder", "decoder", "cross"]


class Recorded(NamedTuple):
    """What one attention did in a forward pass."""

    kind: AttentionKind  # self-attention of an encoder, or of a decoder; attention of a decoder to a memory
    weights: Tensor  # (B, H, T, S), each row a distribution over the keys
    mask: Tensor  # (B, H, T, S), bool: True where a query may attend


def recorded(model: nn.Module, *inputs: Tensor | None) -> tuple[Tensor, list[Recorded]]:
    """The output of a model for the inputs of its forward pass, and its attention, in the order of its layers.

    The pass is that of a copy, of the same tensors, whose attentions say what they do: whatever the architecture, the
    model's own code runs, and the model is left as it was. Without dropout where the model is in evaluation mode.
    """
    tensors = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    copy = deepcopy(model, tensors)
    record: list[Recorded] = []
    for name, module in [*copy.named_modules()]:
        parent, _, own = name.rpartition(".")
        if isinstance(module, SelfAttention):
            inside = "encoder" in name.split(".") or not module.causal
            setattr(copy.get_submodule(parent), own, _Self(module, "encoder" if inside else "decoder", record))
        elif isinstance(module, CrossAttention):
            setattr(copy.get_submodule(parent), own, _Cross(module, record))
    return copy(*inputs), record


class _Self(nn.Module):
    def __init__(self, attention: SelfAttention, kind: AttentionKind, record: list[Recorded]) -> None:
        super().__init__()
        self.attention = attention
        self.kind = kind
        self.record = record

    def forward(self, x: Tensor, mask: Tensor | None = None, cache: Cache | None = None) -> Tensor:
        assert cache is None, "a step of decoding sees the past through its cache: record the whole pass instead"
        weights = self.attention.weights(x, mask)
        self.record.append(Recorded(self.kind, weights, _visible(weights, mask, causal=self.attention.causal)))
        return self.attention(x, mask)  # type: ignore[no-any-return]


class _Cross(nn.Module):
    def __init__(self, attention: CrossAttention, record: list[Recorded]) -> None:
        super().__init__()
        self.attention = attention
        self.project = attention.project
        self.record = record

    def forward(self, x: Tensor, memory: KeyValue, mask: Tensor | None = None) -> Tensor:
        weights = self.attention.weights(x, memory, mask)
        self.record.append(Recorded("cross", weights, _visible(weights, mask)))
        return self.attention(x, memory, mask)  # type: ignore[no-any-return]


def _visible(weights: Tensor, mask: Tensor | None, *, causal: bool = False) -> Tensor:
    """The mask of weights (B, H, T, S), made explicit."""
    T, S = weights.shape[-2:]
    allowed = torch.ones(T, S, dtype=torch.bool, device=weights.device)
    allowed = allowed.tril(S - T) if causal else allowed
    return (allowed if mask is None else mask & allowed).expand(weights.shape)
