"""The bundled reviews are those of the generator, and none of dev's or test's is trained on."""

from __future__ import annotations

import lzma
import re
from collections import Counter

import pytest

from seq2seq.data.bundled.reviews import REVIEWS, reviews
from tests.reviews import generator
from tests.reviews.generator import held_out, lexicon, nouns


@pytest.fixture(scope="module")
def train() -> list[tuple[str, str]]:
    return reviews("train")


def test_the_file_is_what_the_generator_writes() -> None:
    assert lzma.decompress(REVIEWS.read_bytes()) == generator.contents()


def test_both_labels_are_equally_frequent(train: list[tuple[str, str]]) -> None:
    for split, half in ((train, 12_000), (reviews("dev"), 500), (reviews("test"), 150)):
        assert Counter(label for label, _ in split) == {"positive": half, "negative": half}


def test_no_review_occurs_twice_or_in_two_splits(train: list[tuple[str, str]]) -> None:
    texts = [text for split in (train, reviews("dev"), reviews("test")) for _, text in split]
    assert len({*texts}) == len(texts)


def test_every_slot_of_a_pattern_is_filled(train: list[tuple[str, str]]) -> None:
    assert not [text for _, text in train if re.search(r"[][{}|]|  ", text)]


def test_the_combinations_of_dev_are_not_trained_on(train: list[tuple[str, str]]) -> None:
    """Of a noun and an opinion that stand in a sentence of their own, but for the sentences of the lexicon."""
    whole = {sentence.lower() for sign in "+-" for sentence in lexicon()[f"{sign}sentences"]}
    names = "|".join(re.escape(noun.name) for noun in nouns())
    alone = re.compile(rf"(?:The|Their|Its|Our) ({names}) (?:is|are|was|were) ([\w-]+)\W*")
    for reviews_of, for_dev in ((train, False), (generator.generated(6000, 2, for_dev=True), True)):
        texts = [text for _, text in reviews_of if text.lower().strip(".!") not in whole]
        pairs = [match.groups() for text in texts if (match := alone.fullmatch(text))]
        assert len(pairs) > 20
        assert all(held_out(noun, word) == for_dev for noun, word in pairs)


def test_a_third_of_the_written_reviews_turn_round() -> None:
    words = (
        "not never no nothing nobody but although despite cannot yet still neither without hardly rarely unlike none"
    )
    turned = re.compile(rf"\b({words.replace(' ', '|')})\b|n't\b")
    assert sum(turned.search(text.lower()) is not None for _, text in reviews("test")) > 100
