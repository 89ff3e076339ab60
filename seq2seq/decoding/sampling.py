"""Outputs drawn at random, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seq2seq.decoding.search import Hypothesis, Steps, roll_out
from seq2seq.model.state import State


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn: from the softmax at `temperature`, cut to the `top_k` most probable and to the smallest
    set of mass `top_p`."""

    temperature: float = 1.0
    top_k: int = 0  # 0 = all
    top_p: float = 1.0
    seed: int = 1


def sample(
    steps: Steps, state: State, limits: Sequence[int], settings: Sampling, *, alpha: float, device: torch.device
) -> list[Hypothesis]:
    """One output a row, a pure function of the seed. Scores are the model's own, whatever the temperature."""
    generator = torch.Generator(device=device).manual_seed(settings.seed)
    return roll_out(
        steps,
        state,
        limits,
        lambda scores: torch.multinomial(probabilities(scores, settings), 1, generator=generator).squeeze(1),
        alpha=alpha,
        device=device,
    )


def probabilities(log_probabilities: Tensor, settings: Sampling) -> Tensor:
    """Log-probabilities (N, V) -> what to draw from, (N, V), rows summing to 1."""
    scores = log_probabilities / settings.temperature
    if 0 < settings.top_k < scores.size(-1):
        least = scores.topk(settings.top_k, dim=-1).values[:, -1:]
        scores = scores.masked_fill(scores < least, float("-inf"))
    drawn = scores.softmax(-1)
    if settings.top_p < 1:
        ranked, order = drawn.sort(dim=-1, descending=True)
        before = ranked.cumsum(-1) - ranked  # mass of those more probable; the first is always kept
        ranked = ranked.masked_fill((before >= settings.top_p) & (before > 0), 0)
        drawn = torch.zeros_like(drawn).scatter_(-1, order, ranked)
        drawn /= drawn.sum(-1, keepdim=True)
    return drawn
