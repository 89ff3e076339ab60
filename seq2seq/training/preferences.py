"""What is learnt from comparisons: a reward model (Bradley and Terry, 1952; Ouyang et al., 2022, equation 1), or the
preferred completions themselves (direct preference optimisation; Rafailov et al., 2023, equation 7). In nats.

Shapes: B comparisons, 2 sides, the chosen one first, T labels of a side.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from seq2seq.data.batches import Batch
from seq2seq.data.comparison_batches import sides
from seq2seq.device import Numerics
from seq2seq.training.log_probabilities import token_log_probabilities
from seq2seq.training.objective import Measured, Objective


class ComparisonLoss(Objective):
    """A loss of comparisons, each of which counts alike. `scores` says what its two sides are worth."""

    def __init__(self, model: Any, numerics: Numerics) -> None:
        self.model = model
        self.numerics = numerics

    def begin(self, step: int) -> None:
        """Turn dropout on."""
        self.model.train()

    @abstractmethod
    def scores(self, batch: Batch) -> Tensor:
        """A number for each side, (B, 2): the difference is what a preference is told by."""

    @abstractmethod
    def __call__(self, batch: Batch, step: int) -> Measured:
        """As `Objective`."""

    def summed(self, batch: Batch, losses: Tensor, scores: Tensor, **figures: Tensor) -> Measured:
        """Losses, scores and figures of each comparison as sums, with `accuracy` and `margin`."""
        margins = scores[:, 0] - scores[:, 1]
        each = {"accuracy": right(margins), "margin": margins, **figures}
        counts = 1.0 if batch.mask is None else batch.mask.to(losses.device)
        return Measured(
            (losses * counts).sum(), {name: (value.detach() * counts).sum() for name, value in each.items()}
        )


class BradleyTerry(ComparisonLoss):
    """-log sigmoid(reward of the chosen - reward of the rejected), and `centring` times the square of their sum, which
    keeps rewards around 0 (Eisenstein et al., 2023): their difference alone is determined."""

    def __init__(self, model: Any, numerics: Numerics, centring: float) -> None:
        super().__init__(model, numerics)
        self._centring = centring

    def scores(self, batch: Batch) -> Tensor:
        """The rewards."""
        rows = sides(batch).to(self.numerics.device)
        with self.numerics.context():
            rewards: Tensor = self.model.rewards(rows.inputs, rows.labels, rows.mask)
        return rewards.view(-1, 2)

    def __call__(self, batch: Batch, step: int) -> Measured:
        """Figures: `accuracy`, `margin`, and `reward`, the mean of both sides."""
        rewards = self.scores(batch)
        losses = -logsigmoid(rewards[:, 0] - rewards[:, 1]) + self._centring * rewards.sum(1).square()
        return self.summed(batch, losses, rewards, reward=rewards.mean(1))


class DirectPreference(ComparisonLoss):
    """-log sigmoid(beta times the log-ratio of policy and start on the chosen, less that on the rejected). `smoothing`
    is the share of labels taken to be wrong (Mitchell, 2023); `imitation` weighs the negative log-likelihood of the
    chosen side, per token (Pang et al., 2024)."""

    def __init__(
        self, model: Any, numerics: Numerics, *, beta: float, smoothing: float = 0.0, imitation: float = 0.0
    ) -> None:
        super().__init__(model, numerics)
        self._beta = beta
        self._smoothing = smoothing
        self._imitation = imitation

    def begin(self, step: int) -> None:
        """Turn dropout off: policy and start are compared."""
        self.model.eval()

    def log_probabilities(self, batch: Batch) -> Tensor:
        """Of all tokens of each side together, (B, 2)."""
        return token_log_probabilities(self.model, sides(batch), self.numerics).sum(1).view(-1, 2)

    def scores(self, batch: Batch) -> Tensor:
        """The implicit rewards: beta times the log-ratios to the start, whose log-probabilities are the batch's
        `references`."""
        return self._scores(batch, self.log_probabilities(batch))

    def _scores(self, batch: Batch, log_probabilities: Tensor) -> Tensor:
        return self._beta * (log_probabilities - batch.extras["references"].to(log_probabilities.device))

    def __call__(self, batch: Batch, step: int) -> Measured:
        """Figures: `accuracy`, `margin`, and the log-probabilities of the `chosen` and the `rejected` side."""
        log_probabilities = self.log_probabilities(batch)
        scores = self._scores(batch, log_probabilities)
        margins = scores[:, 0] - scores[:, 1]
        losses = -(1 - self._smoothing) * logsigmoid(margins) - self._smoothing * logsigmoid(-margins)
        if self._imitation:
            lengths = batch.extras["mask"][:, 0].sum(1).to(losses.device)
            losses = losses - self._imitation * log_probabilities[:, 0] / lengths
        chosen, rejected = log_probabilities.unbind(1)
        return self.summed(batch, losses, scores, chosen=chosen, rejected=rejected)


def right(margins: Tensor) -> Tensor:
    """Whether each comparison is told as it was labelled: 1 or 0, and half where both sides are worth the same."""
    return torch.where(margins == 0, 0.5, (margins > 0).float())
