"""A model whose states are valued: what a reward model and a value network are.

Shapes: B batch, T labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from seq2seq.model.heads import ScalarHead


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

    def rewards(self, inputs: Sequence[Tensor | None], mask: Tensor | None) -> Tensor:
        """The inputs of a batch and which of its labels count (B, T) -> the value of each row at the last label that
        counts, (B,), in float32 or wider: the end of its completion, which has been read whole there."""
        values = self.values(*inputs)
        wide = values if values.dtype.itemsize >= 4 else values.float()
        if mask is None:
            return wide[:, -1]
        places = torch.arange(mask.size(1), device=mask.device).expand_as(mask)
        return wide.gather(1, places.masked_fill(~mask, -1).amax(1, keepdim=True)).squeeze(1)
