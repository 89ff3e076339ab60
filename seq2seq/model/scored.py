"""A model whose states are valued: what a reward model and a value network are.

Shapes: B batch, T labels, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from seq2seq.model.heads import ScalarHead

LIKELIHOOD = "likelihood"  # the weight that a reward model may have and a value network has not
_PACE = 10.0  # of it: Adam moves every number alike, and this one has some tenths to go, from zero, in few updates


class Scored(nn.Module):
    """A trunk, the model of the run it starts from, and a scalar head, which starts at zero. The trunk's own head,
    where it has weights of its own, is not trained."""

    def __init__(self, trunk: Any, d_model: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = ScalarHead(d_model)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        every = trunk.named_parameters(remove_duplicate=False)
        elsewhere = {id(weight) for name, weight in every if not name.startswith("head.")}
        for weight in trunk.head.parameters():
            if id(weight) not in elsewhere:
                weight.requires_grad_(False)

    def layers(self) -> list[nn.Module]:
        """The layers of the trunk."""
        return list(self.trunk.layers())

    def matrices(self) -> list[nn.Parameter]:
        """The matrices of the layers, in their order: what Muon takes."""
        return list(self.trunk.matrices())

    def values(self, *inputs: Tensor | None) -> Tensor:
        """The inputs of a batch -> a number for each of its labels, (B, T), from the state that predicts it."""
        values: Tensor = self.head(self.trunk.hidden(*inputs))
        return values

    def rewards(self, inputs: Sequence[Tensor | None], labels: Tensor, mask: Tensor | None) -> Tensor:
        """The inputs of a batch, its labels (B, T) and which of them count (B, T) -> the value of each row at the last
        label that counts, (B,), in float32 or wider: the end of its completion, which has been read whole there."""
        return _last(self.values(*inputs), mask)


class LikelihoodScored(Scored):
    """Whose rewards count the log-likelihood of a completion too, that of the trunk with its own head, times a weight
    that is learnt and starts at zero. The state at the end of a completion knows little of what the model would have
    said in its place, a small model's nothing; this number does. It counts down to `-nats`: below, completions are all
    alike, so that no single one has a reward far from all others."""

    def __init__(self, trunk: Any, d_model: int, nats: float) -> None:
        super().__init__(trunk, d_model)
        self._nats = nats
        self.likelihood = nn.Parameter(torch.zeros(()))

    def rewards(self, inputs: Sequence[Tensor | None], labels: Tensor, mask: Tensor | None) -> Tensor:
        """As `Scored`, and the weighted sum of the log-probabilities of the labels that count."""
        states = self.trunk.hidden(*inputs)
        logits = _wide(self.trunk.head(states))  # (B, T, V)
        chosen = logits.log_softmax(-1).gather(-1, labels[..., None]).squeeze(-1)
        likely = (chosen if mask is None else chosen * mask).sum(1).clamp(min=-self._nats)
        return _last(self.head(states), mask) + _PACE * self.likelihood * likely


def _last(values: Tensor, mask: Tensor | None) -> Tensor:
    """Of values (B, T), those at the last label that counts, (B,)."""
    wide = _wide(values)
    if mask is None:
        return wide[:, -1]
    places = torch.arange(mask.size(1), device=mask.device).expand_as(mask)
    return wide.gather(1, places.masked_fill(~mask, -1).amax(1, keepdim=True)).squeeze(1)


def _wide(values: Tensor) -> Tensor:
    """In float32 or wider."""
    return values if values.dtype.itemsize >= 4 else values.float()
