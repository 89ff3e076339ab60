"""Phrases as people type them."""

from random import Random

import pytest

from tests.phrasebook.holdout import key
from tests.phrasebook.variants import as_typed

SENTENCES = [
    "Où est la gare ?",
    "J'ai besoin d'un médecin.",
    "Tu viens ?",
    "À bientôt !",
    "Est-ce qu'il pleut ?",
    "Veux-tu du café ?",
    "Bonjour !",
]


def variants(sentence: str) -> set[str]:
    random = Random(5)
    return {as_typed(sentence, random) for _ in range(400)}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_variant_keeps_the_letters(sentence: str) -> None:
    assert {key(variant) for variant in variants(sentence)} == {key(sentence)}


def test_every_habit_is_shown() -> None:
    seen = variants("Où est l'hôtel ?")
    assert {"ou est l'hotel", "OÙ EST L'HÔTEL ?", "où est l'hôtel?", "où est l hôtel ?", "Où est l'hôtel ??"} <= seen


def test_a_question_that_only_its_mark_tells_keeps_it() -> None:
    assert all(variant.endswith("?") for variant in variants("Tu viens ?"))
    assert any(not variant.endswith("?") for variant in variants("Veux-tu du café ?"))
    assert any(not variant.endswith("?") for variant in variants("Est-ce qu'il pleut ?"))


def test_the_same_generator_types_the_same() -> None:
    assert [as_typed(sentence, Random(3)) for sentence in SENTENCES] == [
        as_typed(sentence, Random(3)) for sentence in SENTENCES
    ]
