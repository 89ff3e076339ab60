"""Label-smoothed cross-entropy over a large vocabulary, summed over tokens (section 5.4).

With smoothing e over a vocabulary of V, the wanted distribution is (1 - e) on the label plus e/V everywhere, so that
the loss of a position is logsumexp(z) - (1 - e) z_label - e mean(z).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq.data.tokenizers import PAD

# Logits that exist at once: few on a CPU, whose caches and allocator like small blocks, many on a GPU.
_SCORES = {"cpu": 1 << 21}
_SCORES_ELSEWHERE = 1 << 27


def summed_loss(hidden: Tensor, weight: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """Loss of states (B, T, C) under an output matrix (V, C): (smoothed loss, plain negative log-likelihood), both
    summed.

    Positions labelled PAD do not count. Only the first result carries a gradient. The logits of all positions never
    exist at once: the gradient is made in the forward pass, chunk by chunk.
    """
    kept = (labels != PAD).flatten().nonzero().squeeze(1)
    states = hidden.flatten(0, 1).index_select(0, kept)
    wanted = labels.flatten().index_select(0, kept)
    loss, plain = _ChunkedLoss.apply(states, weight, wanted, smoothing)  # type: ignore[no-untyped-call]
    return loss, plain


def expected_at_start(head: nn.Linear, gains: Tensor) -> float:
    """What the loss should be before training, nats a token: ln V + dσ²/2 for a head of deviation σ over normalised
    states of width d, here with the normalisation's gains (d,).

    The mean of exp(z) over logits z of variance s² is exp(s²/2); the states know nothing of the labels yet.
    """
    variance = head.weight.detach().float().square().mean() * gains.detach().float().square().sum()
    return math.log(head.out_features) + float(variance) / 2


def _rows_at_once(vocabulary: int, device: torch.device) -> int:
    return max(256, _SCORES.get(device.type, _SCORES_ELSEWHERE) // vocabulary)


class _ChunkedLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        kind = (
            torch.get_autocast_dtype(states.device.type)
            if torch.is_autocast_enabled(states.device.type)
            else weight.dtype
        )
        matrix = weight.to(kind)
        vocabulary = weight.size(0)
        chunk = _rows_at_once(vocabulary, states.device)
        wants_gradient = any(ctx.needs_input_grad)
        state_gradient = torch.empty_like(states) if wants_gradient else None
        weight_gradient = torch.zeros_like(weight) if wants_gradient else None
        accurate = weight.dtype if weight.dtype == torch.float64 else torch.float32
        loss = torch.zeros((), device=states.device, dtype=accurate)
        plain = torch.zeros((), device=states.device, dtype=accurate)
        with torch.autocast(states.device.type, enabled=False):
            for start in range(0, states.size(0), chunk):
                rows = states[start : start + chunk].to(kind)
                label = labels[start : start + chunk, None]
                scores = F.log_softmax((rows @ matrix.T).to(accurate), dim=-1)  # (chunk, V)
                likelihood = -scores.gather(1, label).sum()
                plain += likelihood
                loss += (1 - smoothing) * likelihood - smoothing / vocabulary * scores.sum()
                if state_gradient is not None and weight_gradient is not None:
                    gradient = scores.exp_().sub_(smoothing / vocabulary)
                    gradient.scatter_add_(1, label, gradient.new_full(label.shape, smoothing - 1))
                    gradient = gradient.to(kind)
                    state_gradient[start : start + chunk] = gradient @ matrix
                    weight_gradient += gradient.T @ rows
        ctx.save_for_backward(state_gradient, weight_gradient)
        ctx.mark_non_differentiable(plain)
        return loss, plain

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor, Tensor, None, None]:
        state_gradient, weight_gradient = ctx.saved_tensors
        return state_gradient * gradient, weight_gradient * gradient, None, None
