"""Metrics of translations. A new one is a class with the methods of `Metric`, listed in `metrics_of`."""

from seq2seq.evaluation.metrics.exact_match import ExactMatch
from seq2seq.evaluation.metrics.metric import Difference, Metric, Score, SegmentMetric, score
from seq2seq.evaluation.metrics.sacrebleu import Bleu, ChrF, Ter, bleu

__all__ = ["Bleu", "ChrF", "Difference", "ExactMatch", "Metric", "Score", "SegmentMetric", "Ter"]
__all__ += ["bleu", "metrics_of", "score"]


def metrics_of(source: str, target: str) -> list[Metric]:
    """The metrics that judge translations between two languages, by their codes, in the order in which they are
    shown."""
    return [Bleu(target), ChrF(), Ter(target)]
