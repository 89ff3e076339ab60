"""Components of a layer: those of the paper, and later ones that a recipe may name instead."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq.model.positions import Rotary
from seq2seq.recipe import Model as ModelConfig


def squared_relu(x: Tensor) -> Tensor:
    """max(x, 0)² (So et al., 2021, "Primer")."""
    return torch.relu(x).square()


class FeedForward(nn.Module):
    """Two linear maps with an activation between, the same at every position (section 3.3)."""

    def __init__(self, d_model: int, d_ff: int, activation: Callable[[Tensor], Tensor], *, bias: bool) -> None:
        super().__init__()
        self.activation = activation
        self.inner = nn.Linear(d_model, d_ff, bias=bias)
        self.outer = nn.Linear(d_ff, d_model, bias=bias)
        for linear in (self.inner, self.outer):
            _initialise(linear)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., C) -> (..., C)."""
        return self.outer(self.activation(self.inner(x)))  # type: ignore[no-any-return]


class GatedFeedForward(FeedForward):
    """A second inner map, through the activation, gates the first: SwiGLU with SiLU (Shazeer, 2020)."""

    def __init__(self, d_model: int, d_ff: int, activation: Callable[[Tensor], Tensor], *, bias: bool) -> None:
        super().__init__(d_model, d_ff, activation, bias=bias)
        self.gate = nn.Linear(d_model, d_ff, bias=bias)
        _initialise(self.gate)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., C) -> (..., C)."""
        return self.outer(self.activation(self.gate(x)) * self.inner(x))  # type: ignore[no-any-return]


def _initialise(linear: nn.Linear) -> None:
    nn.init.xavier_uniform_(linear.weight)
    if linear.bias is not None:
        nn.init.zeros_(linear.bias)


# By the value of model.activation in a recipe.
FEED_FORWARDS: dict[str, tuple[type[FeedForward], Callable[[Tensor], Tensor]]] = {
    "relu": (FeedForward, F.relu),
    "gelu": (FeedForward, F.gelu),
    "squared_relu": (FeedForward, squared_relu),
    "swiglu": (GatedFeedForward, F.silu),
}


def feed_forward(config: ModelConfig) -> nn.Module:
    """The feed-forward of a layer."""
    kind, activation = FEED_FORWARDS[config.activation]
    return kind(config.d_model, config.d_ff, activation, bias=config.bias)


def normalization(config: ModelConfig) -> nn.Module:
    """A normalisation over the width of the model."""
    return (
        nn.RMSNorm(config.d_model) if config.normalization == "rms" else nn.LayerNorm(config.d_model, bias=config.bias)
    )


class QKNorm(nn.Module):
    """Scales each head's query and key to unit root mean square (Henry et al., 2020), so that scores stay small."""

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """Queries and keys (..., D) -> the same shape."""
        return F.rms_norm(x, x.shape[-1:])


def query_key_transforms(config: ModelConfig) -> nn.ModuleList:
    """The transforms of the queries and keys of self-attention, in order, before their product."""
    transforms = nn.ModuleList()
    if config.qk_norm:
        transforms.append(QKNorm())
    if config.positions == "rotary":
        transforms.append(Rotary(config.d_model // config.n_heads, 2 * config.max_length))
    return transforms


@torch.no_grad()
def initialise(layers: nn.ModuleList, config: ModelConfig) -> None:
    """Initialise the matrices of a stack's layers again where the recipe departs from Xavier's uniform distribution.

    `normal`: standard deviation 0.02 (GPT-2). The last matrix of every sub-layer is then divided by the square root of
    their number (GPT-2), or zero-initialised, so that each layer begins as the identity.
    """
    if config.initialization == "normal":
        for module in layers.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
    last = [
        module.weight
        for name, module in layers.named_modules()
        if isinstance(module, nn.Linear) and name.endswith((".output", ".outer"))
    ]
    scale = {"full": 1.0, "scaled": len(last) ** -0.5, "zero": 0.0}[config.residual_start]
    for weight in last:
        weight.mul_(scale)
