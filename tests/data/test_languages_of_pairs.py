"""Text in a language that the recipe does not name is noticed, over many lines."""

from __future__ import annotations

import pytest

from seq2seq.data.corpus import Corpus
from seq2seq.data.direction import third_languages
from seq2seq.data.pairs import Pair, bundled
from seq2seq.recipe import Recipe
from seq2seq.tasks.translation import Translation
from tests.support import samples


@pytest.fixture(scope="module")
def french() -> list[Pair]:
    return list(bundled("dev").read())


def test_a_third_language_is_named_by_side(french: list[Pair]) -> None:
    assert third_languages(french, "fr", "en") == ("", "")
    assert third_languages(french, "de", "en") == ("fr", "")
    assert third_languages(french, "fr", "es") == ("", "en")
    assert third_languages(french, "en", "fr") == ("", "")  # swapped, which another check says


def test_few_lines_mixed_text_and_unknown_languages_are_not_judged(french: list[Pair]) -> None:
    assert third_languages(french[:20], "de", "en") == ("", "")
    assert third_languages([], "de", "en") == ("", "")
    assert third_languages(french, "xx", "en") == ("", "")
    mixed = [pair if number // 5 % 2 else pair[::-1] for number, pair in enumerate(french)]
    assert third_languages(mixed, "de", "es") == ("", "")


def test_training_asks_about_it(french: list[Pair]) -> None:
    text = samples.text(french, "ours.tsv")
    recipe = Recipe.model_validate({"data": {"source": "de", "target": "en"}})
    (remark,) = Translation(recipe).remarks(Corpus("mine", "files", (text,), text, text))
    assert (
        remark.startswith("NOTE: the source of ours.tsv looks like fr, and the recipe says de")
        and "data.source=fr" in remark
    )
