"""Training on comparisons, and its validation: shared by reward models and preferences.

Shapes: N comparisons, 2 sides, the chosen one first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn

from seq2seq.data.batches import BatchSource
from seq2seq.data.comparison_batches import ComparisonBatches, EncodedComparison, measured
from seq2seq.data.comparisons import Comparison, ComparisonSource
from seq2seq.data.corpus import Corpus
from seq2seq.device import Numerics
from seq2seq.evaluation.comparisons import flips, right, summary
from seq2seq.recipe import Recipe
from seq2seq.tasks.models import architecture
from seq2seq.tasks.workload import Costs, SecondsOfOne, Workload, WorkloadOfStart
from seq2seq.training.preferences import ComparisonLoss
from seq2seq.training.task import Prepared, Sample, Validation

_TRAIN, _SAMPLES = 500, 3  # comparisons of train whose accuracy is shown beside that of dev; samples
_MEASURED = (256, 32)  # comparisons that are made of samples to measure with: to train on; held out
_COUNTS = (8, 32, 128)  # of comparisons that are timed together, where there is time


class PreparedComparisons(NamedTuple):
    """What is trained and validated on."""

    train: Sequence[EncodedComparison]
    dev: Sequence[EncodedComparison]
    shown: Sequence[Comparison]  # the text of dev
    report: Mapping[str, Any]


class ComparingTraining:
    """Comparisons. `objective_of(model, numerics)` is what training minimises; figures: `accuracy`, `margin` and `loss`
    of dev, `train_accuracy`, and `flipped_accuracy`, against labels of which as many are flipped as of train's.
    """

    watched: str | None = "loss"

    def __init__(
        self, recipe: Recipe, prepared: PreparedComparisons, objective_of: Callable[[Any, Numerics], ComparisonLoss]
    ) -> None:
        training, layout = recipe.training, architecture(recipe).layout
        self.report = report = prepared.report
        self.batches = ComparisonBatches(prepared.train, layout, batch_tokens=training.batch_tokens, seed=training.seed)
        self.source: BatchSource = self.batches
        self.layout = layout
        self.train, self.dev = prepared.train, prepared.dev
        self.batch_tokens = training.batch_tokens
        self._shown = prepared.shown
        self._objective_of = objective_of
        flipped = report["comparisons"].get("flipped", 0.0)
        self._flips = flips(len(self.dev), flipped, training.seed) if flipped else None

    def objective(self, model: nn.Module, numerics: Numerics) -> ComparisonLoss:
        """What training minimises."""
        return self._objective_of(model, numerics)

    def first_loss(self, model: nn.Module, numerics: Numerics) -> None:
        """It is ln 2: the head, or the difference from the start, is zero."""

    def validate(self, model: nn.Module, numerics: Numerics) -> Validation:
        """Figures of dev, and some of its comparisons, those told worst first."""
        scores = self.scores(model, numerics, self.dev)
        margins = _margins(scores)
        figures = {**summary(margins), **self.further_figures(scores)}
        train = self.scores(model, numerics, self.train[:_TRAIN])
        figures["train_accuracy"] = float(right(_margins(train)).mean())
        if self._flips is not None:
            figures["flipped_accuracy"] = float(right(np.where(self._flips, -margins, margins)).mean())
        worst = np.argsort(margins, kind="stable")[:_SAMPLES]
        return Validation(figures, tuple(self._sample(int(number), scores[int(number)]) for number in worst))

    def scores(self, model: Any, numerics: Numerics, comparisons: Sequence[EncodedComparison]) -> Tensor:
        """What the sides of comparisons of train or dev are worth, (N, 2), without dropout."""
        objective = self.objective(model, numerics)
        model.eval()
        return measured(objective.scores, self.layout, comparisons, self.batch_tokens)

    def further_figures(self, scores: Tensor) -> Mapping[str, float]:
        """Further figures of the scores of dev (N, 2)."""
        return {"reward": float(scores.mean())}

    def ranking(self, figures: Mapping[str, float]) -> float:
        """A lower loss is better."""
        return -figures["loss"]

    def _sample(self, number: int, scores: Tensor) -> Sample:
        prompt, chosen, rejected = self._shown[number]
        return Sample(prompt[-1].content, f"{chosen} ({scores[0]:+.2f})", f"{rejected} ({scores[1]:+.2f})")


class ComparingWorkload(WorkloadOfStart):
    """Comparisons, or prompts of whose completions they are made."""

    beginning_size = 50_000

    def __init__(self, recipe: Recipe, base: Workload[Any], *, translates: bool) -> None:
        super().__init__(recipe, base)
        assert recipe.comparisons is not None
        self._settings = recipe.comparisons
        self._translates = translates
        if self._settings.rater is not None:
            self.beginning_size = sys.maxsize  # of all prompts as many are completed as there are to be comparisons

    def lighter(self, corpus: Corpus[Any]) -> tuple[Recipe, float]:
        """With fewer comparisons, where they are made of samples."""
        usual = self._settings
        if corpus.records == ComparisonSource.records:
            return super().lighter(corpus)
        pairs, held_out = min(usual.pairs, _MEASURED[0]), min(usual.held_out, _MEASURED[1])
        share = (pairs + 2 * held_out) / (usual.pairs + 2 * usual.held_out)
        return self._recipe.with_values({"comparisons": {"pairs": pairs, "held_out": held_out}}), share

    def epoch_tokens(self, report: Mapping[str, Any], tokens_per_row: float) -> float:
        """A label of each comparison."""
        return float(self._settings.pairs if _are_made(report) else report["comparisons"]["kept"])

    def costs(self, prepared: Prepared[Any], model: Any, numerics: Numerics, seconds: SecondsOfOne) -> Costs:
        """Of a preference also what its start and its judging take: the log-probabilities of the start, once, and
        outputs, which are taken to need the time of a sample."""
        training = prepared.training
        assert isinstance(training, ComparingTraining)
        counts = sorted({min(len(training.train), count) for count in _COUNTS})
        one = seconds(lambda count: training.scores(model, numerics, training.train[:count]), counts)
        made, usual = _are_made(prepared.report), self._settings
        held_out = usual.held_out if made else len(training.dev)
        costs = Costs(whole=(held_out + _TRAIN) * one)
        if self._recipe.preference is None:
            return costs
        sampler = architecture(self._recipe).sampler(model, numerics)
        most = self._recipe.model.max_length // 2
        prompts = [each.prompt[:most] for each in training.train]
        written = seconds(lambda count: sampler.sample(prompts[:count], max_tokens=usual.max_tokens, seed=1), counts)
        known = (usual.pairs if made else len(training.train)) + held_out
        costs = replace(costs, first=known * one)
        return replace(costs, translation=written) if self._translates else replace(costs, completion=written)


def _are_made(report: Mapping[str, Any]) -> bool:
    return "flipped" in report["comparisons"]


def _margins(scores: Tensor) -> Any:
    return (scores[:, 0] - scores[:, 1]).double().numpy()
