"""Scores are sacreBLEU's own, with its signature and its interval."""

from __future__ import annotations

import pytest
import sacrebleu

from seq2seq.errors import DataError
from seq2seq.evaluation.judge import by_length
from seq2seq.evaluation.metrics import bleu, metrics_of, score

HYPOTHESES = ["The cat sits on the mat today .", "He goes home.", "I am very hungry now, my friend."] * 4
REFERENCES = ["The cat sat on the mat today .", "He is going home.", "I am very hungry now, my friend."] * 4
ONE_EACH = [[reference] for reference in REFERENCES]
SOURCES = ["chat"] * len(HYPOTHESES)
ENGLISH = metrics_of("fr", "en")


def test_scores_equal_sacrebleu() -> None:
    found = {each.name: each for each in score(ENGLISH, SOURCES, HYPOTHESES, ONE_EACH)}
    assert found["BLEU"].value == pytest.approx(sacrebleu.corpus_bleu(HYPOTHESES, [REFERENCES]).score)
    assert found["chrF2"].value == pytest.approx(sacrebleu.corpus_chrf(HYPOTHESES, [REFERENCES]).score)
    assert found["TER"].value == pytest.approx(sacrebleu.corpus_ter(HYPOTHESES, [REFERENCES]).score)
    assert bleu(HYPOTHESES, REFERENCES, "en") == found["BLEU"].value
    for each in found.values():
        assert f"version:{sacrebleu.__version__}" in each.signature
        assert each.low <= each.value <= each.high
        assert each.low < each.high
    assert "tok:13a" in found["BLEU"].signature and "case:mixed" in found["BLEU"].signature


def test_each_sentence_may_have_its_own_number_of_references() -> None:
    references = [
        [reference, hypothesis] if index % 2 else [reference]
        for index, (hypothesis, reference) in enumerate(zip(HYPOTHESES, REFERENCES))
    ]
    more = score(ENGLISH, SOURCES, HYPOTHESES, references)[0]
    assert more.value > score(ENGLISH, SOURCES, HYPOTHESES, ONE_EACH)[0].value
    assert "nrefs:var" in more.signature


def test_by_length_covers_every_sentence_once() -> None:
    sources = ["a b", "a b c d e f", "a " * 50] * 4
    rows = by_length(sources, HYPOTHESES, ONE_EACH, ("fr", "en"))
    assert [(row["source"], row["sentences"]) for row in rows] == [
        ("0-5 words", 4),
        ("6-10 words", 4),
        ("41 words or more", 4),
    ]


def test_unequal_counts_and_nothing_are_errors() -> None:
    with pytest.raises(DataError, match="12 translations cannot be judged by 11"):
        score(ENGLISH, SOURCES, HYPOTHESES, ONE_EACH[1:])
    with pytest.raises(DataError, match="nothing to judge"):
        score(ENGLISH, [], [], [])
