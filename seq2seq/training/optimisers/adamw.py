"""Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from seq2seq.recipe import AdamW as AdamWOptions
from seq2seq.recipe import Muon as MuonOptions
from seq2seq.training.optimisers.adam import Moments


class AdamW(Moments, torch.optim.AdamW):
    """torch's, fused; biases and norms are not decayed."""

    description = "fused adamw"

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
