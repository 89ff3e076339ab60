"""The bundled reviews are those of the generator, and none of dev's or test's is trained on."""

from __future__ import annotations

import lzma
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


def test_the_combinations_of_dev_are_not_trained_on(train: list[tuple[str, str]]) -> None:
    """Of a noun and an opinion that stand together."""
    opinions = {word for name in ("+any", "-any", "+film", "-film") for word in lexicon()[name] if " " not in word}
    pairs = [
        (f"The {noun.name} {verb} {word}.", held_out(noun.name, word))
        for noun in nouns()
        if noun.topic == "film"
        for verb in ("is", "was", "are", "were")
        for word in opinions
    ]
    trained_on, dev = {text for _, text in train}, {text for _, text in reviews("dev")}
    assert any(text in trained_on for text, _ in pairs) and any(text in dev for text, _ in pairs)
    for text, kept in pairs:
        assert text not in (trained_on if kept else dev)


def test_a_third_of_the_written_reviews_turn_round() -> None:
    turned = ("not", "n't", "never", "no", "nothing", "nobody", "but", "although", "despite", "cannot", "yet", "still")
    found = [text for _, text in reviews("test") if any(f" {word}" in f" {text.lower()} " for word in turned)]
    assert len(found) > 100
