"""A metric whole in this file, beside those that are listed: in a judged record, in a comparison and on screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from seq2seq.decoding.translation.outputs import Output, Translation
from seq2seq.evaluation.compare import compare
from seq2seq.evaluation.judge import Sentence, judge
from seq2seq.evaluation.metrics import Metric, metrics_of


class LengthRatio(Metric):
    """Characters of a translation per 100 of its source."""

    name = "length"
    signature = "unit:character|mean:sentences"

    def segments(
        self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[Sequence[str]]
    ) -> list[float]:
        return [100 * len(text) / len(source) for source, text in zip(sources, hypotheses)]


SENTENCES = [Sentence("abcd" * (1 + number % 5), ("abcd" * (1 + number % 5),)) for number in range(30)]
EQUAL = [sentence.source for sentence in SENTENCES]
LONGER = [source + "ab" for source in EQUAL]
METRICS: list[Metric] = [*metrics_of("fr", "en"), LengthRatio()]


class Lengthens:
    def stream(self, lines: Sequence[str]) -> Iterator[Translation]:
        return (Translation(line, (Output(line + "ab", 0.0, 0.0, (), ()),)) for line in lines)


def test_it_is_in_a_judged_record() -> None:
    record = judge(Lengthens(), SENTENCES, ("fr", "en"), metrics=METRICS).record
    *listed, length = record["scores"]
    assert [score["name"] for score in listed] == ["BLEU", "chrF2", "TER"]
    assert length["value"] == pytest.approx(100 + (50 + 25 + 50 / 3 + 12.5 + 10) / 5)
    assert 110 < length["low"] < length["value"] < length["high"] < 150
    assert (length["name"], length["signature"]) == ("length", "unit:character|mean:sentences")


def test_it_is_in_a_comparison() -> None:
    comparison = compare(SENTENCES, EQUAL, LONGER, METRICS)
    length = comparison.differences[-1]
    assert length.first == 100 < length.second and length.p_value < 0.01
    shown = "\n".join(comparison.lines(Path("A"), Path("B")))
    assert f"length    100.0  122.8   +22.8   0.002  significant at p < 0.05     {length.signature}" in shown


def test_two_equal_systems_differ_in_nothing() -> None:
    (length,) = compare(SENTENCES, LONGER, LONGER, [LengthRatio()]).differences
    assert length.first == length.second and length.p_value == 1


def test_one_changed_sentence_may_be_chance() -> None:
    (length,) = compare(SENTENCES, EQUAL, [*EQUAL[:-1], LONGER[-1]], [LengthRatio()]).differences
    assert length.p_value > 0.05
