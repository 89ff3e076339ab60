"""How well classes are told apart: accuracy and macro-F1 with intervals, figures of each class, the confusion matrix,
calibration, and the texts that the model is most wrong about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.evaluation.bootstrap import SAMPLES, SEED, interval

_BINS = 10  # of confidence
_WRONG = 10  # texts that are shown
_SHOWN = 300  # characters of one

ConfusionMatrix = NDArray[np.int64]


def confusion(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> ConfusionMatrix:
    """The number of texts of each class (row) that were given each class (column), (K, K)."""
    cells = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return cells.reshape(classes, classes).astype(np.int64)


def accuracy(counts: NDArray[Any]) -> NDArray[np.float64]:
    """The share of correct texts of confusion matrices (..., K, K)."""
    shares: NDArray[np.float64] = counts.trace(axis1=-2, axis2=-1) / counts.sum((-2, -1))
    return shares


def f1_of_classes(counts: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Precision, recall and F1 of each class of confusion matrices (..., K, K) -> (..., K); 0 where undefined."""
    right, of_class, given = counts.diagonal(axis1=-2, axis2=-1), counts.sum(-1), counts.sum(-2)

    def ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[Any]:
        result: NDArray[Any] = np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
        return result

    return ratio(right, given), ratio(right, of_class), ratio(2 * right, of_class + given)


def macro_f1(counts: NDArray[Any], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mean F1 of the `present` classes (K,) of confusion matrices (..., K, K)."""
    mean: NDArray[np.float64] = f1_of_classes(counts)[2][..., present].mean(-1)
    return mean


def present_in(counts: ConfusionMatrix) -> NDArray[np.bool_]:
    """The classes (K,) that some text has or was given."""
    present: NDArray[np.bool_] = counts.sum(0) + counts.sum(1) > 0
    return present


def summary(labels: NDArray[np.int64], probabilities: NDArray[Any]) -> dict[str, float]:
    """Accuracy and macro-F1 of labels (N,) and probabilities (N, K)."""
    counts = confusion(labels, probabilities.argmax(1), probabilities.shape[1])
    return {"accuracy": float(accuracy(counts)), "macro_f1": float(macro_f1(counts, present_in(counts)))}


def judge(
    texts: Sequence[tuple[str, ...]], labels: NDArray[np.int64], probabilities: NDArray[Any], classes: Sequence[str]
) -> dict[str, Any]:
    """All figures of one or more texts with their classes (N,) and the probabilities (N, K) that a model gives them,
    for run.json and --json."""
    predicted = probabilities.argmax(1)
    counts = confusion(labels, predicted, len(classes))
    present = present_in(counts)
    precision, recall, f1 = f1_of_classes(counts)
    resampled = _resampled(counts)
    own = np.maximum(probabilities[np.arange(len(labels)), labels].astype(float), 1e-12)
    wrong = [int(row) for row in np.argsort(own, kind="stable") if predicted[row] != labels[row]][:_WRONG]
    return {
        "texts": len(labels),
        "accuracy": _interval(float(accuracy(counts)), accuracy(resampled)),
        "macro_f1": _interval(float(macro_f1(counts, present)), macro_f1(resampled, present)),
        "negative_log_likelihood": float(-np.log(own).mean()),
        "most_frequent_class": float(counts.sum(1).max() / len(labels)),  # the accuracy of always giving it
        "by_class": [
            {
                "class": name,
                "texts": int(counts[number].sum()),
                "precision": float(precision[number]),
                "recall": float(recall[number]),
                "f1": float(f1[number]),
            }
            for number, name in enumerate(classes)
        ],
        "confusion": counts.tolist(),  # rows: the class of a text; columns: the class given
        "calibration": calibration(probabilities.max(1), predicted == labels),
        "most_wrong": [
            {
                "number": row + 1,
                "text": "\t".join(texts[row])[:_SHOWN],
                "label": classes[labels[row]],
                "given": classes[predicted[row]],
                "probability": float(probabilities[row, predicted[row]]),
            }
            for row in wrong
        ],
    }


def calibration(confidence: NDArray[Any], right: NDArray[np.bool_]) -> dict[str, Any]:
    """Whether probabilities mean what they say: the expected calibration error (Guo et al., 2017), the mean distance of
    confidence and accuracy over bins of equal width, weighted by their texts; and the bins that have texts."""
    number = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    bins = []
    for each in range(_BINS):
        inside = number == each
        if inside.any():
            row = {"confidence": float(confidence[inside].mean()), "accuracy": float(right[inside].mean())}
            bins.append({"from": each / _BINS, "to": (each + 1) / _BINS, "texts": int(inside.sum()), **row})
    error = sum(row["texts"] * abs(row["confidence"] - row["accuracy"]) for row in bins) / len(right)
    return {"error": error, "confidence": float(confidence.mean()), "bins": bins}


def _resampled(counts: ConfusionMatrix) -> ConfusionMatrix:
    """Confusion matrices (SAMPLES, K, K) of texts drawn again with replacement: how many fall into each cell is
    multinomial."""
    cells = counts.ravel()
    filled = np.flatnonzero(cells)
    total = int(cells.sum())
    drawn = np.random.default_rng(SEED).multinomial(total, cells[filled] / total, SAMPLES)
    whole = np.zeros((SAMPLES, len(cells)), np.int64)
    whole[:, filled] = drawn
    return whole.reshape(SAMPLES, *counts.shape)


def _interval(value: float, resampled: NDArray[np.float64]) -> dict[str, float]:
    """A figure with its 95 % bootstrap interval."""
    low, high = interval(resampled)
    return {"value": value, "low": min(low, value), "high": max(high, value)}
