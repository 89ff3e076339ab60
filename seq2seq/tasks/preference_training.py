"""Training a preference: the log-probabilities of its start are computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from seq2seq.data.comparison_batches import EncodedComparison, measured
from seq2seq.device import Numerics
from seq2seq.recipe import Recipe
from seq2seq.tasks.comparing_training import ComparingTraining, PreparedComparisons
from seq2seq.training.preferences import ComparisonLoss, DirectPreference


class PreferenceTraining(ComparingTraining):
    """As `ComparingTraining`; `start_of(numerics)` is the model that log-ratios are to. Further figures, of dev: the
    mean log-ratio of the `chosen` and of the `rejected` side."""

    def __init__(
        self,
        recipe: Recipe,
        prepared: PreparedComparisons,
        objective_of: Callable[[Any, Numerics], DirectPreference],
        start_of: Callable[[Numerics], nn.Module],
    ) -> None:
        super().__init__(recipe, prepared, objective_of)
        assert recipe.preference is not None
        self._beta = recipe.preference.beta
        self._preference = objective_of
        self._start_of = start_of
        self._references: dict[int, Tensor] = {}  # by the identity of the comparisons

    def objective(self, model: nn.Module, numerics: Numerics) -> ComparisonLoss:
        """What training minimises. Measures the start, the first time."""
        if not self._references:
            start = self._start_of(numerics)
            self._references = {
                id(each): self._log_probabilities(start, numerics, each) for each in (self.train, self.dev)
            }
            self.batches.references = self._references[id(self.train)]
        return self._preference(model, numerics)

    def scores(self, model: Any, numerics: Numerics, comparisons: Sequence[EncodedComparison]) -> Tensor:
        """The implicit rewards."""
        self.objective(model, numerics)
        known = self._references[id(self.dev if comparisons is self.dev else self.train)]
        found = self._log_probabilities(model, numerics, comparisons)
        return self._beta * (found - known[: len(comparisons)])

    def further_figures(self, scores: Tensor) -> Mapping[str, float]:
        """The mean log-ratios."""
        chosen, rejected = (scores.mean(0) / self._beta).tolist()
        return {"chosen": chosen, "rejected": rejected}

    def _log_probabilities(self, model: Any, numerics: Numerics, comparisons: Sequence[EncodedComparison]) -> Tensor:
        objective = self._preference(model.eval(), numerics)
        return measured(objective.log_probabilities, self.layout, comparisons, self.batch_tokens)
