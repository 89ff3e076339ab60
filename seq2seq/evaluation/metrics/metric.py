"""What all metrics of translations have in common, and a base class of those that are the mean of a score per
sentence."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from seq2seq.errors import DataError, refuse_one_text
from seq2seq.evaluation.bootstrap import interval, resampled, two_sided_p_value

Texts = Sequence[str]
References = Sequence[Texts]  # one or more of each sentence


@dataclass(frozen=True)
class Score:
    """One corpus score; `low` and `high` bound its 95 % bootstrap interval."""

    name: str
    value: float
    low: float
    high: float
    signature: str

    def record(self) -> dict[str, Any]:
        """For run.json and --json."""
        return asdict(self)


@dataclass(frozen=True)
class Difference:
    """One metric of two systems; `p_value` is how often chance alone makes such a difference (paired bootstrap)."""

    metric: str
    first: float
    second: float
    p_value: float
    signature: str


class Metric(Protocol):
    """A metric, in points, which are shown with one decimal. Few metrics read the sources. The signature of a figure
    names all settings that it depends on."""

    name: str

    def segments(self, sources: Texts, hypotheses: Texts, references: References) -> list[float]:
        """The score of each sentence."""

    def corpus(self, sources: Texts, hypotheses: Texts, references: References) -> Score:
        """The score of all sentences."""

    def difference(self, sources: Texts, first: Texts, second: Texts, references: References) -> Difference:
        """The scores of two systems, and whether they differ by more than chance."""


class SegmentMetric(ABC):
    """A metric of a corpus that is the mean of its sentences' scores, as COMET and the word error rate of a sentence
    are."""

    name: str
    signature: str

    @abstractmethod
    def segments(self, sources: Texts, hypotheses: Texts, references: References) -> list[float]:
        """The score of each sentence."""

    def corpus(self, sources: Texts, hypotheses: Texts, references: References) -> Score:
        """The mean, with its bootstrap interval."""
        scores = np.array(self.segments(sources, hypotheses, references))
        low, high = interval(resampled(scores, np.ones(len(scores), dtype=np.int64)))
        return Score(self.name, float(scores.mean()), low, high, self.signature)

    def difference(self, sources: Texts, first: Texts, second: Texts, references: References) -> Difference:
        """Two means, and paired bootstrap resampling of the sentences."""
        one, other = (np.array(self.segments(sources, texts, references)) for texts in (first, second))
        p_value = two_sided_p_value(resampled(other - one, np.ones(len(one), dtype=np.int64)))
        return Difference(self.name, float(one.mean()), float(other.mean()), p_value, self.signature)


def score(
    metrics: Sequence[Metric],
    sources: Texts,
    hypotheses: Texts,
    references: References,
) -> list[Score]:
    """Scores of hypotheses against one or more references each, with 95 % intervals.

    Raises DataError where the counts differ or there is nothing to score.
    """
    for texts in (hypotheses, *references):
        refuse_one_text(texts, "score")
    if len(hypotheses) != len(references):
        raise DataError(f"{len(hypotheses):,} translations cannot be judged by {len(references):,} references")
    if not hypotheses:
        raise DataError("nothing to judge: there are no translations")
    return [metric.corpus(sources, hypotheses, references) for metric in metrics]
