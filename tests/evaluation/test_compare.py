"""Comparing two systems: sacreBLEU's paired bootstrap, and the sentences that changed."""

from __future__ import annotations

import pytest

from seq2seq.errors import DataError
from seq2seq.evaluation.compare import compare
from seq2seq.evaluation.judge import Sentence
from seq2seq.evaluation.metrics import metrics_of

SENTENCES = [Sentence(f"phrase {n}", (f"this is sentence number {n} of the test set",)) for n in range(40)]
RIGHT = [sentence.references[0] for sentence in SENTENCES]
WRONG = [f"{text.split()[0]} was something else" for text in RIGHT]
ENGLISH = metrics_of("fr", "en")


def test_a_system_against_itself_differs_in_nothing() -> None:
    found = compare(SENTENCES, RIGHT, RIGHT, ENGLISH)
    assert found.same == 40
    assert found.better == found.worse == ()
    assert all(each.first == each.second and each.p_value == 1 for each in found.differences)


def test_a_clear_gain_is_significant_and_shows_its_sentences() -> None:
    found = compare(SENTENCES, WRONG, RIGHT, ENGLISH, most=3)
    bleu = found.differences[0]
    assert bleu.metric == "BLEU" and bleu.second == pytest.approx(100) and bleu.first < 20 and bleu.p_value < 0.05
    assert "bs:1000" in bleu.signature
    assert len(found.better) == 3 and found.worse == ()
    assert found.better[0].gain > 0 and found.better[0].second == found.better[0].reference


def test_one_changed_sentence_may_be_chance() -> None:
    second = [*RIGHT[:-1], "nothing of the kind"]
    found = compare(SENTENCES, RIGHT, second, ENGLISH)
    assert found.same == 39
    assert [each.source for each in found.worse] == ["phrase 39"]
    assert found.differences[0].p_value > 0.05


def test_unequal_counts_are_an_error() -> None:
    with pytest.raises(DataError, match="39 and 40 translations of 40"):
        compare(SENTENCES, RIGHT[1:], RIGHT, ENGLISH)
