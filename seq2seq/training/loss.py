"""Label-smoothed cross-entropy over a large vocabulary, summed over tokens (section 5.4).

With smoothing e over a vocabulary of V, the target distribution is (1 - e) on the label plus e/V everywhere, so that
the loss of a position is logsumexp(z) - (1 - e) z_label - e mean(z).
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

# Logits that exist at once: few on a CPU, whose caches and allocator like small blocks, many on a GPU.
_SCORES = {"cpu": 1 << 21}
_SCORES_ELSEWHERE = 1 << 27


def summed_loss(
    hidden: Tensor,
    weight: Tensor,
    labels: Tensor,
    smoothing: float,
    counted: Tensor | None = None,
    *,
    rows_at_once: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Loss of states (B, T, C) under an output matrix (V, C): (smoothed loss, plain negative log-likelihood), both
    summed.

    `counted` (n,) are the places of the labels that count among all B x T; None where all do. Only the first result
    carries a gradient. The logits of all positions never exist at once: the gradient is computed in the forward
    pass, `rows_at_once` by `rows_at_once` positions (None: as many as suit the device).
    """
    states, selected = hidden.flatten(0, 1), labels.flatten()
    if counted is not None and len(counted) < len(selected):
        states, selected = states.index_select(0, counted), selected.index_select(0, counted)
    rows = rows_at_once or max(256, _SCORES.get(states.device.type, _SCORES_ELSEWHERE) // weight.size(0))
    loss, plain = _ChunkedLoss.apply(  # type: ignore[no-untyped-call,unused-ignore]
        states, weight, selected, smoothing, rows
    )
    return loss, plain


def expected_at_start(head: nn.Linear, gains: Tensor) -> float:
    """The expected loss before training, in nats per token: ln V + dσ²/2 for a head of deviation σ over normalised
    states of width d, here with the normalisation's gains (d,).

    The mean of exp(z) over logits z of variance s² is exp(s²/2); the states know nothing of the labels yet.
    """
    variance = head.weight.detach().float().square().mean() * gains.detach().float().square().sum()
    return math.log(head.out_features) + float(variance) / 2


class _ChunkedLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: Tensor, weight: Tensor, labels: Tensor, smoothing: float, chunk: int
    ) -> tuple[Tensor, Tensor]:
        kind = (
            torch.get_autocast_dtype(states.device.type)
            if torch.is_autocast_enabled(states.device.type)
            else weight.dtype
        )
        matrix = weight.to(kind)
        vocabulary = weight.size(0)
        needs_gradient = any(ctx.needs_input_grad)
        state_gradient = torch.empty_like(states) if needs_gradient else None
        weight_gradient = torch.zeros_like(weight) if needs_gradient else None
        accurate = weight.dtype if weight.dtype == torch.float64 else torch.float32
        loss = torch.zeros((), device=states.device, dtype=accurate)
        plain = torch.zeros((), device=states.device, dtype=accurate)
        blank = partial(torch.empty, min(chunk, states.size(0)), vocabulary, device=states.device)
        scores, probabilities = blank(dtype=accurate), blank(dtype=accurate)
        rounded = scores if kind == accurate else blank(dtype=kind)
        with torch.autocast(states.device.type, enabled=False):
            for start in range(0, states.size(0), chunk):
                rows = states[start : start + chunk].to(kind)
                label = labels[start : start + chunk, None]
                z, p, narrow = (block[: len(rows)] for block in (scores, probabilities, rounded))  # (chunk, V)
                torch.mm(rows, matrix.T, out=narrow)
                if kind != accurate:
                    z.copy_(narrow)
                torch.softmax(z, -1, out=p)
                # logsumexp(z) without a second pass: the largest p is exp(largest z - logsumexp(z)).
                normaliser = (z.amax(-1) - p.amax(-1).log()).sum()
                own = z.gather(1, label).sum()
                plain += normaliser - own
                loss += normaliser - (1 - smoothing) * own - smoothing / vocabulary * z.sum()
                if state_gradient is not None and weight_gradient is not None:
                    p.sub_(smoothing / vocabulary)
                    p.scatter_add_(1, label, p.new_full(label.shape, smoothing - 1))
                    gradient = p if kind == accurate else narrow.copy_(p)
                    state_gradient[start : start + chunk] = gradient @ matrix
                    weight_gradient += gradient.T @ rows
        ctx.save_for_backward(state_gradient, weight_gradient)
        ctx.mark_non_differentiable(plain)
        return loss, plain

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        state_gradient, weight_gradient = ctx.saved_tensors
        return state_gradient * gradient, weight_gradient * gradient, None, None, None
