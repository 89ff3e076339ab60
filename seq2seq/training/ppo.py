"""Proximal policy optimisation of a language model (Schulman et al., 2017; Ziegler et al., 2019; Ouyang et al., 2022).

One phase: completions are drawn from the policy, scored by a reward model, and made into advantages; the policy, and
the value network where there is one, then make several updates on them. What a phase computes before its updates is
aligned at the first token of each completion:

Shapes: N completions, L tokens, EOS counted where a completion ended with it; mask (N, L), True where there is a token.
In a batch: B rows, T labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from seq2seq.data.batches import Batch
from seq2seq.device import Numerics
from seq2seq.model.actor_critic import ActorCritic
from seq2seq.training.log_probabilities import by_length, token_log_probabilities
from seq2seq.training.objective import Measured

_EPSILON = 1e-8
_MOST_ERROR = 0.2  # of a phase's KL, as a share of the target (Ziegler et al., section 2.2)


# The reward: a score for the whole completion, less what it departs from the start.


def token_rewards(scores: Tensor, log_ratios: Tensor, mask: Tensor, coefficient: float) -> Tensor:
    """Scores (N,) and log π - log π_start (N, L) -> the reward of each token (N, L): the negative of the estimated KL
    divergence from the start (k1, unbiased) times its coefficient, and at the last token the score too."""
    rewards = -coefficient * log_ratios * mask
    last = mask.sum(1, keepdim=True) - 1
    return rewards.scatter_add(1, last, scores[:, None].to(rewards.dtype))


def divergences(log_ratios: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Two estimates of the KL divergence from the start, in nats per completion, (N,) each: k1, the log-ratio, which is
    unbiased but can be negative; k3 = exp(-k1) - 1 + k1, which cannot be negative (Schulman, 2020)."""
    k1 = log_ratios * mask
    return k1.sum(1), ((-k1).exp() - 1 + k1).sum(1)


class FixedKl:
    """A constant coefficient of the KL divergence."""

    def __init__(self, coefficient: float) -> None:
        self.coefficient = coefficient

    def update(self, divergence: float, completions: int) -> None:
        """Nothing changes."""


class AdaptiveKl(FixedKl):
    """A coefficient that grows while the divergence is above a target, and shrinks below it (Ziegler et al., 2.2)."""

    def __init__(self, coefficient: float, target: float, horizon: int) -> None:
        super().__init__(coefficient)
        self._target = target
        self._horizon = horizon  # completions over which an error of 1 doubles the coefficient, nearly

    def update(self, divergence: float, completions: int) -> None:
        """After a phase of so many completions, whose mean divergence is in nats."""
        error = max(-_MOST_ERROR, min(_MOST_ERROR, divergence / self._target - 1))
        self.coefficient *= 1 + error * completions / self._horizon


# Advantages: how much better an action was than expected.


class Advantages(NamedTuple):
    """What the updates of a phase weigh tokens with, (N, L) each, 0 where there is no token."""

    advantages: Tensor
    returns: Tensor  # what the value network learns to predict


class Estimator(Protocol):
    """From the rewards of tokens to advantages."""

    def __call__(self, rewards: Tensor, values: Tensor, mask: Tensor) -> Advantages:
        """Rewards (N, L), values (N, L) of the states before each token."""


class Gae:
    """Generalised advantage estimation (Schulman et al., 2016), from a value network; whitened over all tokens."""

    def __init__(self, discount: float = 1.0, decay: float = 0.95) -> None:
        self._discount = discount  # the paper's gamma
        self._decay = decay  # its lambda

    def __call__(self, rewards: Tensor, values: Tensor, mask: Tensor) -> Advantages:
        """As `Estimator`."""
        advantages = self.estimate(rewards, values, mask)
        return Advantages(whitened(advantages, mask), (advantages + values) * mask)

    def estimate(self, rewards: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """The advantages before whitening: A_t = δ_t + γλ A_{t+1}, where δ_t = r_t + γ V_{t+1} - V_t."""
        values = values * mask
        following = torch.zeros_like(values[:, 0])  # of the token after: the value, and the advantage
        later = torch.zeros_like(following)
        advantages = torch.zeros_like(values)
        for token in reversed(range(values.size(1))):
            delta = rewards[:, token] + self._discount * following - values[:, token]
            later = (delta + self._discount * self._decay * later) * mask[:, token]
            advantages[:, token], following = later, values[:, token]
        return advantages


class Rloo:
    """REINFORCE leave-one-out (Kool et al., 2019; Ahmadian et al., 2024): the total reward of a completion, less the
    mean of the other completions of its prompt. No value network. The `group` completions of a prompt are adjacent."""

    def __init__(self, group: int) -> None:
        self._group = group

    def __call__(self, rewards: Tensor, values: Tensor, mask: Tensor) -> Advantages:
        """As `Estimator`; the values are not used."""
        totals = (rewards * mask).sum(1).view(-1, self._group)
        others = (totals.sum(1, keepdim=True) - totals) / (self._group - 1)
        advantages = (totals - others).view(-1, 1) * mask
        return Advantages(advantages, torch.zeros_like(advantages))


def whitened(values: Tensor, mask: Tensor) -> Tensor:
    """Values (N, L) shifted and scaled to mean 0 and variance 1 over the mask; 0 outside it."""
    chosen = values[mask]
    deviation = chosen.var(correction=min(1, len(chosen) - 1)).sqrt()
    return (values - chosen.mean()) / (deviation + _EPSILON) * mask


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> float:
    """The share of the variance of the returns that values predict: 1 for exact ones, 0 for a constant."""
    variance = returns[mask].var(correction=0)
    return float(1 - (returns - values)[mask].var(correction=0) / (variance + _EPSILON))


# The losses of an update.


def policy_losses(ratios: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """The clipped surrogate (equation 7 of the paper), negated, of each token: what is gained by changing a
    probability beyond 1 ± clip times the old one does not count."""
    return -torch.minimum(ratios * advantages, ratios.clamp(1 - clip, 1 + clip) * advantages)


def value_losses(values: Tensor, old: Tensor, returns: Tensor, clip: float) -> Tensor:
    """Half the squared error of each value, or of it kept within `clip` of the old one, whichever is larger."""
    near = old + (values - old).clamp(-clip, clip)
    return torch.maximum((values - returns).square(), (near - returns).square()) / 2


class Clipping(NamedTuple):
    """The settings of an update."""

    temperature: float  # that completions were drawn at
    policy: float  # most that a ratio may usefully change
    value: float  # most that a value may
    value_weight: float  # of the value loss beside the policy's


class PolicyLoss:
    """The clipped policy loss: what training minimises without a value network.

    The extras of a batch are `old_log_probabilities` and `advantages`, (B, T) each. `phase` returns the figures of the
    rollouts that a batch is from, which are shown with those of the update.
    """

    def __init__(
        self, model: ActorCritic, numerics: Numerics, clipping: Clipping, phase: Callable[[], Mapping[str, float]]
    ) -> None:
        self._model = model
        self._numerics = numerics
        self._clipping = clipping
        self._phase = phase

    def begin(self, step: int) -> None:
        """Dropout stays off: with it the first ratio would not be 1, nor the first divergence 0."""
        self._model.eval()

    def __call__(self, batch: Batch, step: int) -> Measured:
        """As `Objective`."""
        moved = batch.to(self._numerics.device)
        counts = torch.ones_like(moved.labels, dtype=torch.bool) if moved.mask is None else moved.mask
        log_probabilities = by_length(self._log_probabilities, moved)
        changes = (log_probabilities - moved.extras["old_log_probabilities"]) * counts
        ratios = changes.exp()
        losses = policy_losses(ratios, moved.extras["advantages"], self._clipping.policy)
        figures = {
            "clip_share": (((ratios - 1).abs() > self._clipping.policy) & counts).sum(),
            "step_kl": ((ratios - 1) - changes).sum(),  # k3 from the policy that drew to the present one
            "entropy": -(log_probabilities * counts).sum(),  # of what was drawn, hence an estimate
        }
        loss = (losses * counts).sum()
        value_loss, of_values = self.of_values(moved, counts)
        figures |= of_values
        means = {name: torch.tensor(value * batch.tokens) for name, value in self._phase().items()}
        detached = {name: figure.detach().float() for name, figure in (figures | means).items()}
        device = loss.device
        return Measured(loss + value_loss, {name: figure.to(device) for name, figure in detached.items()})

    def _log_probabilities(self, batch: Batch) -> Tensor:
        return token_log_probabilities(self._model.policy, batch, self._numerics, self._clipping.temperature)

    def of_values(self, batch: Batch, counts: Tensor) -> tuple[Tensor | float, Mapping[str, Tensor]]:
        """The summed loss of the value network, and figures of it."""
        return 0.0, {}


class ActorCriticLoss(PolicyLoss):
    """The clipped losses of the policy and of its value network. Further extras: `old_values` and `returns`."""

    def of_values(self, batch: Batch, counts: Tensor) -> tuple[Tensor | float, Mapping[str, Tensor]]:
        values = by_length(self._values, batch)
        losses = value_losses(values, batch.extras["old_values"], batch.extras["returns"], self._clipping.value)
        loss = (losses * counts).sum()
        return self._clipping.value_weight * loss, {"value_loss": loss}

    def _values(self, batch: Batch) -> Tensor:
        with self._numerics.context():
            values: Tensor = self._model.value.values(*batch.inputs)
        return values.float()
