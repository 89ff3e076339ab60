"""Token prediction by cross-entropy: shared by training a translator and training a language model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from seq2seq.data.batches import Batch, BatchSource
from seq2seq.device import Numerics
from seq2seq.recipe import Recipe
from seq2seq.tasks.models import TransformerOrGpt
from seq2seq.training import objective
from seq2seq.training.loss import expected_at_start
from seq2seq.training.objective import CrossEntropy
from seq2seq.training.task import FirstLoss, Validation


class Prediction:
    """A `TrainingTask` whose figures are `loss` and `negative_log_likelihood` of dev, and those of `try_out`."""

    watched: str | None = "loss"

    def __init__(
        self,
        recipe: Recipe,
        vocabulary: int,
        source: BatchSource,
        validation: Sequence[Batch],
        report: Mapping[str, Any],
    ) -> None:
        self.source = source
        self.report = report
        self.validation = validation  # what the dev loss is measured on
        self._recipe = recipe
        self._vocabulary = vocabulary

    def objective(self, model: TransformerOrGpt, numerics: Numerics) -> CrossEntropy:
        """The objective of the recipe."""
        return objective.for_recipe(self._recipe, model, numerics)

    def first_loss(self, model: TransformerOrGpt, numerics: Numerics) -> FirstLoss | None:
        """The negative log-likelihood of a batch of dev."""
        figures = self.objective(model, numerics).evaluate(self.validation[:1])
        expected = expected_at_start(model.head, model.last_norm.get_parameter("weight"))
        return FirstLoss(figures["negative_log_likelihood"], math.log(self._vocabulary), expected)

    def validate(self, model: TransformerOrGpt, numerics: Numerics) -> Validation:
        """`loss` and `negative_log_likelihood` of dev, in nats per token, and the figures and samples of `try_out`."""
        losses, tried = self.losses(model, numerics), self.try_out(model, numerics)
        return Validation({**losses, **tried.figures}, tried.samples)

    def losses(self, model: TransformerOrGpt, numerics: Numerics) -> dict[str, float]:
        """`loss` and `negative_log_likelihood` of dev, in nats per token."""
        return self.objective(model, numerics).evaluate(self.validation)

    def try_out(self, model: TransformerOrGpt, numerics: Numerics) -> Validation:
        """Samples of the model's output, and figures computed from it."""
        raise NotImplementedError

    def ranking(self, figures: Mapping[str, float]) -> float:
        """A lower loss is better."""
        return -figures["loss"]
