"""A model whose states are valued: what a reward model and a value network are.

Shapes: B batch, T labels.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from seq2seq.model.heads import ScalarHead


class Scored(nn.Module):
    """A trunk, the model of the run it starts from, and a scalar head, which starts at zero."""

    def __init__(self, trunk: Any, d_model: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = ScalarHead(d_model)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

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
