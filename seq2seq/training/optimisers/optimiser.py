"""What an optimiser declares, and an update that may be skipped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

Shapes = dict[str, tuple[int, ...]]


class Optimiser(torch.optim.Optimizer, ABC):
    """An optimiser of a recipe. A parameter group may have a `share`: its rate as a multiple of the schedule's."""

    needs: ClassVar[tuple[str, str] | None] = None  # a class of torch.optim, and the first torch that has it
    whole_matrices: ClassVar[bool] = False  # whether an update needs whole matrices, which sharding divides

    @classmethod
    @abstractmethod
    def of(cls, options: Any, model: nn.Module, rate: float) -> Optimiser:
        """The optimiser of a model, by its section of a recipe; `rate`: the peak of the schedule."""

    @classmethod
    def available(cls) -> bool:
        """Whether this torch has what it needs."""
        return cls.needs is None or hasattr(torch.optim, cls.needs[0])

    @abstractmethod
    def state_shapes(self, weight: Tensor) -> Shapes:
        """The float32 tensors of a weight's state, which a checkpoint holds: their shapes by name."""


def step_unless(skipped: Tensor, optimiser: torch.optim.Optimizer) -> None:
    """An optimiser's update, unless `skipped`, (), which leaves all unchanged. The host does not wait for CUDA."""
    if skipped.is_cuda:
        masked_step(skipped, optimiser)
    elif not skipped:
        optimiser.step()


@torch.no_grad()
def masked_step(skipped: Tensor, optimiser: torch.optim.Optimizer) -> None:
    """`step_unless` without the host waiting for the device's `skipped`."""
    for part in getattr(optimiser, "parts", [optimiser]):
        if part.defaults.get("fused"):
            part.found_inf = skipped.float()  # as torch's own GradScaler does
            part.step()
            del part.found_inf
            continue
        weights = [weight for group in part.param_groups for weight in group["params"] if weight.grad is not None]
        before = {weight: weight.clone() for weight in weights}
        states = {weight: {key: value.clone() for key, value in part.state[weight].items()} for weight in weights}
        part.step()
        for weight in weights:
            weight.copy_(torch.where(skipped, before[weight], weight))
            for key, value in part.state[weight].items():
                value.copy_(torch.where(skipped, states[weight].get(key, torch.zeros_like(value)), value))
