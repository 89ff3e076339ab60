"""Translations that are right to the word."""

from __future__ import annotations

from seq2seq.data.folding import fold
from seq2seq.evaluation.metrics.metric import References, SegmentMetric, Texts


class ExactMatch(SegmentMetric):
    """The percentage of translations that are one of their references, case and punctuation ignored."""

    name = "exact"
    signature = "case:lc|punctuation:no"

    def segments(self, sources: Texts, hypotheses: Texts, references: References) -> list[float]:
        """100 or 0 of each sentence."""
        return [100.0 * (fold(text) in map(fold, known)) for text, known in zip(hypotheses, references)]
