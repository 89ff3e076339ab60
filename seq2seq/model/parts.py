"""What a layer is made of: the paper's parts, and what came after it, each a class or a function of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq import recipe
from seq2seq.model.positions import Rotary


def squared_relu(x: Tensor) -> Tensor:
    """max(x, 0)² (So et al., 2021, "Primer")."""
    return torch.relu(x).square()


class UnitHeads(nn.Module):
    """QK-norm: each head's query and key at unit root mean square (Henry et al., 2020), so that scores stay small."""

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """Queries and keys (..., D) -> the same shape."""
        return F.rms_norm(x, x.shape[-1:])


@dataclass(frozen=True)
class Parts:
    """Factories of a layer's parts; the defaults are the paper's."""

    norm: Callable[[int], nn.Module] = nn.LayerNorm  # d_model -> normalisation
    activation: Callable[[Tensor], Tensor] = F.relu
    heads: Callable[[int], Sequence[nn.Module]] = lambda width: ()  # head width -> what queries and keys go through
    bias: bool = True


PAPER = Parts()

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu, "squared_relu": squared_relu}


def parts_of(model: recipe.Model) -> Parts:
    """The parts that a recipe asks for."""

    def heads(width: int) -> list[nn.Module]:
        unit: list[nn.Module] = [UnitHeads()] if model.qk_norm else []
        turned: list[nn.Module] = [Rotary(width, 2 * model.max_length)] if model.positions == "rotary" else []
        return unit + turned

    norm = nn.RMSNorm if model.normalization == "rms" else partial(nn.LayerNorm, bias=model.bias)
    return Parts(norm, _ACTIVATIONS[model.activation], heads, model.bias)


@torch.no_grad()
def redraw(layers: nn.ModuleList, model: recipe.Model) -> None:
    """Draw the matrices of encoder or decoder layers anew where the recipe departs from Xavier's uniform distribution.

    `normal`: deviation 0.02 (GPT-2). The last matrix of every sub-layer is then divided by the square root of their
    number (GPT-2), or zero, so that each layer begins as the identity.
    """
    if model.initialization == "normal":
        for module in layers.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
    last = [
        module.weight
        for name, module in layers.named_modules()
        if isinstance(module, nn.Linear) and name.endswith((".output", ".outer"))
    ]
    scale = {"full": 1.0, "scaled": len(last) ** -0.5, "zero": 0.0}[model.residual_start]
    for weight in last:
        weight.mul_(scale)
