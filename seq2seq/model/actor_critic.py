"""A policy and the network that values its states: what proximal policy optimisation trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

_POLICY = "policy."


class ActorCritic(nn.Module):
    """A model that writes, and one beside it, where there is one, that predicts the reward of what it writes: a trunk
    with a scalar head, whose `values(*inputs)` are (B, T). They share no weights."""

    def __init__(self, policy: Any, value: Any = None) -> None:
        super().__init__()
        self.policy = policy
        self.value = value

    def layers(self) -> list[nn.Module]:
        """The layers of both."""
        return [*self.policy.layers(), *(self.value.layers() if self.value is not None else ())]

    def matrices(self) -> list[nn.Parameter]:
        """The matrices of the layers of both: what Muon takes."""
        return [*self.policy.matrices(), *(self.value.matrices() if self.value is not None else ())]

    @torch.no_grad()
    def calibrate(self, mean: float, deviation: float) -> None:
        """Make the value network, which began as a reward model, predict (reward - mean) / deviation."""
        if self.value is not None:
            self.value.head.weight.div_(deviation)
            self.value.head.bias.sub_(mean).div_(deviation)


def finished_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those weights of a model that its finished run has: of an actor and critic, the policy's, by the names that they
    have in it; of any other model, all."""
    if not isinstance(model, ActorCritic):
        return dict(weights)
    return {name.removeprefix(_POLICY): weight for name, weight in weights.items() if name.startswith(_POLICY)}
