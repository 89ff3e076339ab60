"""A running average of the weights. It lives in the optimiser's state, and so in every checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

KEY = "ema"  # of the optimiser's state


@torch.no_grad()
def update(optimiser: torch.optim.Optimizer, model: nn.Module, decay: float, step: int, skipped: Tensor) -> None:
    """Move the averages towards the weights after update `step`, unless `skipped`, (); early on they move faster, so
    that the initial weights are forgotten."""
    weights: list[Tensor] = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in weights:
        optimiser.state[weight].setdefault(KEY, weight.detach().clone())
    averages = [optimiser.state[weight][KEY] for weight in weights]
    share = 1 - min(decay, (1 + step) / (10 + step))
    if skipped.is_cuda:
        move_masked(averages, weights, share, skipped)
    elif not skipped:
        torch._foreach_lerp_(averages, weights, share)


def move_masked(averages: list[Tensor], weights: list[Tensor], share: float, skipped: Tensor) -> None:
    """The same without the host waiting for the device's `skipped`."""
    moves = torch._foreach_sub(weights, averages)
    torch._foreach_mul_(moves, torch.where(skipped, 0.0, share))
    torch._foreach_add_(averages, moves)


def averages(optimiser: torch.optim.Optimizer, model: nn.Module) -> dict[str, Tensor]:
    """The averages by name; the weights themselves where there are none yet."""
    return {
        name: optimiser.state[weight].get(KEY, weight.detach()) if weight in optimiser.state else weight.detach()
        for name, weight in model.named_parameters()
    }


@contextmanager
def in_place(optimiser: torch.optim.Optimizer, model: nn.Module) -> Iterator[None]:
    """Within the block, the model has the averages in place of its weights."""

    @torch.no_grad()
    def put(values: Iterable[Tensor]) -> None:
        for weight, value in zip(model.parameters(), values, strict=True):
            weight.copy_(value)

    own = [weight.detach().clone() for weight in model.parameters()]
    put(averages(optimiser, model).values())
    try:
        yield
    finally:
        put(own)
