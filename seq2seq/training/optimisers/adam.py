"""Adam (section 5.3), and AdamW, with decoupled weight decay (Loshchilov and Hutter, 2019)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from seq2seq.recipe import Adam as AdamOptions
from seq2seq.recipe import AdamW as AdamWOptions
from seq2seq.recipe import Muon as MuonOptions
from seq2seq.training.optimisers.optimiser import Optimiser, Shapes


class Moments(Optimiser):
    """The state of Adam and AdamW."""

    def state_shapes(self, weight: Tensor) -> Shapes:
        """Two moments and the number of updates."""
        return {"step": (), "exp_avg": tuple(weight.shape), "exp_avg_sq": tuple(weight.shape)}


class Adam(Moments, torch.optim.Adam):
    """torch's, fused."""

    @classmethod
    def of(cls, options: AdamOptions, model: nn.Module, rate: float) -> Adam:
        """The optimiser of all parameters of a model."""
        return cls(model.parameters(), lr=0.0, betas=options.betas, eps=options.epsilon, fused=True)


class AdamW(Moments, torch.optim.AdamW):
    """torch's, fused; biases and norms are not decayed."""

    @classmethod
    def of(cls, options: AdamWOptions, model: nn.Module, rate: float) -> AdamW:
        """The optimiser of all parameters of a model."""
        return cls.of_parameters(options, model.parameters())

    @classmethod
    def of_parameters(cls, options: AdamWOptions | MuonOptions, parameters: Iterable[nn.Parameter]) -> AdamW:
        """The optimiser of some parameters."""
        weights = list(parameters)
        groups = [
            {"params": [weight for weight in weights if weight.dim() >= 2], "weight_decay": options.weight_decay},
            {"params": [weight for weight in weights if weight.dim() < 2], "weight_decay": 0.0},
        ]
        return cls(groups, lr=0.0, betas=options.betas, eps=options.epsilon, fused=True)
