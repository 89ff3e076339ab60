"""Objectives: what training minimises. An objective gives a batch a loss, which carries the gradient, and figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from seq2seq.data.batches import Batch, to_device
from seq2seq.device import Numerics
from seq2seq.recipe import Recipe
from seq2seq.training.loss import summed_loss


@dataclass(frozen=True)
class Measured:
    """Loss and figures of a batch, each a sum over the labels that count, ()."""

    loss: Tensor
    figures: Mapping[str, Tensor]  # detached; the same names for every batch

    @staticmethod
    def total(parts: Sequence[Measured]) -> Measured:
        """The sums over one or more parts."""
        figures = {name: torch.stack([part.figures[name] for part in parts]).sum() for name in parts[0].figures}
        return Measured(torch.stack([part.loss for part in parts]).sum(), figures)


class Objective(Protocol):
    """What training minimises."""

    def begin(self, step: int) -> None:
        """Called at the start of update `step`, before its batches are measured. Turns dropout on or off."""

    def __call__(self, batch: Batch, step: int) -> Measured:
        """Measure a batch, or rows of one, for update `step`. Called by several CPU threads at the same time."""


class Predictor(Protocol):
    """What cross-entropy needs from a model."""

    head: nn.Linear

    @property
    def hidden(self) -> Callable[..., Tensor]:
        """Inputs of a batch -> the states before `head`, (B, T, C)."""

    def train(self, mode: bool = True) -> nn.Module:
        """Turn dropout on or off."""


class CrossEntropy:
    """Label-smoothed cross-entropy of the labels that count; figure: the plain `negative_log_likelihood`. In nats."""

    def __init__(self, model: Predictor, numerics: Numerics, label_smoothing: float) -> None:
        self._model = model
        self._numerics = numerics
        self._label_smoothing = label_smoothing

    def begin(self, step: int) -> None:
        """Turn dropout on."""
        self._model.train()

    def __call__(self, batch: Batch, step: int) -> Measured:
        """As `Objective`."""
        device = self._numerics.device
        counted, moved = to_device(batch.counted(), device), batch.to(device)
        with self._numerics.context():
            hidden = self._model.hidden(*moved.inputs)
            loss, plain = summed_loss(hidden, self._model.head.weight, moved.labels, self._label_smoothing, counted)
        return Measured(loss, {"negative_log_likelihood": plain})

    @torch.no_grad()
    def evaluate(self, batches: Sequence[Batch]) -> dict[str, float]:
        """`loss` and figures of fixed batches, means per label that counts, without dropout."""
        self._model.train(False)
        sums = torch.zeros(2, device=self._numerics.device)
        for batch in batches:
            measured = self(batch, 0)
            sums += torch.stack((measured.loss, measured.figures["negative_log_likelihood"]))
        loss, plain = (sums / sum(batch.tokens for batch in batches)).tolist()
        return {"loss": loss, "negative_log_likelihood": plain}


class ClassCrossEntropy(CrossEntropy):
    """Label-smoothed cross-entropy of classes, one label (B,) per row, each row times the weight (K,) of its class;
    figure: the plain `negative_log_likelihood`, without weights. In nats.

    The head of the model takes the states (B, S, C) and the mask of a batch. With weights whose mean over the training
    rows is 1, the loss keeps its scale.
    """

    def __init__(
        self, model: Predictor, numerics: Numerics, label_smoothing: float, weights: Tensor | None = None
    ) -> None:
        super().__init__(model, numerics, label_smoothing)
        self._weights = None if weights is None else weights.to(numerics.device)

    def __call__(self, batch: Batch, step: int) -> Measured:
        """As `Objective`."""
        moved = batch.to(self._numerics.device)
        loss, plain = self.losses(self.logits(moved), moved.labels)
        if moved.mask is not None:
            loss, plain = loss * moved.mask, plain * moved.mask
        return Measured(loss.sum(), {"negative_log_likelihood": plain.detach().sum()})

    def logits(self, batch: Batch) -> Tensor:
        """The logits (B, K) of a batch on the device, in float32 or wider."""
        with self._numerics.context():
            states = self._model.hidden(*batch.inputs)
            logits: Tensor = self._model.head(states, batch.inputs[1])
        return logits if logits.dtype == torch.float64 else logits.float()

    def losses(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Of logits (B, K) and labels (B,): the loss and the plain negative log-likelihood of each row, (B,)."""
        log_probabilities = logits.log_softmax(-1)
        plain = -log_probabilities.gather(1, labels[:, None]).squeeze(1)
        loss = (1 - self._label_smoothing) * plain - self._label_smoothing * log_probabilities.mean(1)
        return (loss if self._weights is None else loss * self._weights[labels]), plain


def for_recipe(recipe: Recipe, model: Predictor, numerics: Numerics) -> CrossEntropy:
    """The objective of a recipe."""
    return CrossEntropy(model, numerics, recipe.training.label_smoothing)
