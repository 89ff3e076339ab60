"""Tokens to vectors."""

from __future__ import annotations

import math

from torch import Tensor, nn

_UNSCALED = 0.02  # GPT-2's standard deviation


class Embedding(nn.Embedding):
    """Token vectors. Scaled: times √d_model (section 3.4), drawn with standard deviation 1/√d_model, so that the
    product starts at deviation 1; otherwise as drawn, with deviation 0.02."""

    def __init__(self, vocabulary: int, d_model: int, *, scaled: bool = True) -> None:
        self.deviation = d_model**-0.5 if scaled else _UNSCALED
        self.scale = math.sqrt(d_model) if scaled else 1.0
        super().__init__(vocabulary, d_model)

    def reset_parameters(self) -> None:
        """Draw the vectors."""
        nn.init.normal_(self.weight, std=self.deviation)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T) -> (B, T, C)."""
        return super().forward(tokens) * self.scale
