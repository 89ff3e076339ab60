"""Adam (section 5.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seq2seq.recipe import Adam as AdamOptions
from seq2seq.training.optimisers.optimiser import Optimiser, Shapes


class Moments(Optimiser):
    """The state of Adam and AdamW."""

    def state_shapes(self, weight: Tensor) -> Shapes:
        """Two moments and the number of updates."""
        return {"step": (), "exp_avg": tuple(weight.shape), "exp_avg_sq": tuple(weight.shape)}


class Adam(Moments, torch.optim.Adam):
    """torch's, fused."""

    description = "fused adam"

    @classmethod
    def of(cls, options: AdamOptions, model: nn.Module, rate: float) -> Adam:
        """The optimiser of all parameters of a model."""
        return cls(model.parameters(), lr=0.0, betas=options.betas, eps=options.epsilon, fused=True)
