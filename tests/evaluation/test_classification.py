"""Figures of classes, against loops written from their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.evaluation.classification import calibration, judge, summary

CLASSES = ("a", "b", "c")


def loop_f1(labels: list[int], given_classes: list[int], number: int) -> float:
    pairs = list(zip(labels, given_classes))
    right = sum(label == predicted == number for label, predicted in pairs)
    wrong = sum((label == number) != (predicted == number) for label, predicted in pairs)
    return 2 * right / (2 * right + wrong) if right else 0.0


def certain(predicted: list[int], probability: float = 0.8) -> np.ndarray:
    rows = np.full((len(predicted), len(CLASSES)), (1 - probability) / (len(CLASSES) - 1))
    rows[np.arange(len(predicted)), predicted] = probability
    return rows


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_accuracy_f1_and_confusion_are_those_of_a_loop(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = map(list, zip(*pairs))
    texts = [(f"text {number}",) for number in range(len(pairs))]
    judged = judge(texts, np.array(labels), certain(predicted), CLASSES)
    present = sorted({*labels, *predicted})
    scores = [loop_f1(labels, predicted, number) for number in present]
    assert judged["accuracy"]["value"] == pytest.approx(sum(one == other for one, other in pairs) / len(pairs))
    assert judged["macro_f1"]["value"] == pytest.approx(sum(scores) / len(scores))
    assert summary(np.array(labels), certain(predicted)) == {
        name: judged[name]["value"] for name in ("accuracy", "macro_f1")
    }
    assert [row["f1"] for row in judged["by_class"]] == pytest.approx([loop_f1(labels, predicted, n) for n in range(3)])
    assert judged["confusion"] == [[pairs.count((label, other)) for other in range(3)] for label in range(3)]
    for name in ("accuracy", "macro_f1"):
        assert 0 <= judged[name]["low"] <= judged[name]["value"] <= judged[name]["high"] <= 1
    assert {row["number"] for row in judged["most_wrong"]} <= {
        number for number, (label, other) in enumerate(pairs, start=1) if label != other
    }


def test_an_interval_is_about_two_standard_errors_wide() -> None:
    labels = np.array([0] * 800 + [1] * 200)
    judged = judge([("x",)] * 1000, labels, certain([0] * 1000), CLASSES)
    error = (0.8 * 0.2 / 1000) ** 0.5
    assert judged["accuracy"]["high"] - judged["accuracy"]["low"] == pytest.approx(2 * 1.96 * error, rel=0.15)
    assert judged["most_frequent_class"] == 0.8


def test_calibration_is_the_distance_of_confidence_and_accuracy() -> None:
    confidence = np.array([0.95] * 10 + [0.65] * 10 + [1.0])
    right = np.array([True] * 9 + [False] + [True] * 2 + [False] * 8 + [True])
    found = calibration(confidence, right)
    last = (0.95 * 10 + 1.0) / 11
    assert found["error"] == pytest.approx((11 * abs(last - 10 / 11) + 10 * 0.45) / 21)
    assert [row["texts"] for row in found["bins"]] == [10, 11]
    assert calibration(np.array([0.5, 0.5]), np.array([True, False]))["error"] == pytest.approx(0)


def test_the_most_wrong_texts_are_the_surest_errors() -> None:
    probabilities = np.array([[0.9, 0.1, 0.0], [0.4, 0.6, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    judged = judge([("p",), ("q",), ("r", "s"), ("t",)], np.array([1, 0, 0, 0]), probabilities, CLASSES)
    assert [(row["number"], row["text"], row["given"]) for row in judged["most_wrong"]] == [
        (3, "r\ts", "b"),
        (1, "p", "a"),
        (2, "q", "b"),
    ]
