"""Adam (section 5.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seq2seq import recipe
from seq2seq.training.optimisers.optimiser import Optimiser, Shapes


class Moments(Optimiser):
    """What Adam and AdamW keep."""

    def state_shapes(self, weight: Tensor) -> Shapes:
        """Two moments and the number of updates."""
        return {"step": (), "exp_avg": tuple(weight.shape), "exp_avg_sq": tuple(weight.shape)}


class Adam(Moments, torch.optim.Adam):
    """torch's, fused."""

    description = "fused adam"

    @classmethod
    def of(cls, options: recipe.Adam, model: nn.Module, rate: float) -> Adam:
        """The optimiser of all parameters of a model."""
        return cls(model.parameters(), lr=0.0, betas=options.betas, eps=options.epsilon, fused=True)
