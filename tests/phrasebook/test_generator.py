"""The generated pairs are those of the shipped file; what is held out is new combinations of known words."""

import lzma
import re
from collections import Counter
from random import Random

import pytest

from seq2seq.data.bundled.phrasebook import PAIRS
from tests.phrasebook import generator
from tests.phrasebook.generator import Drawn, phrases
from tests.phrasebook.holdout import combinations_of, key, split_of, words
from tests.phrasebook.patterns.catalogue import PATTERNS, any_sentence
from tests.phrasebook.patterns.draw import Draw


@pytest.fixture(scope="module")
def train() -> tuple[Drawn, ...]:
    return generator.sentences("train")


@pytest.fixture(scope="module")
def dev() -> tuple[Drawn, ...]:
    return generator.sentences("dev")


@pytest.fixture(scope="module")
def test() -> tuple[Drawn, ...]:
    return generator.sentences("test")


def test_the_generator_reproduces_the_shipped_file() -> None:
    """Byte for byte. After a change that is meant, `python -m tests.phrasebook` writes the file anew."""
    shipped = lzma.decompress(PAIRS.read_bytes())
    assert generator.text().encode() == shipped


def test_held_out_combinations_are_never_met_in_training(
    train: tuple[Drawn, ...], dev: tuple[Drawn, ...], test: tuple[Drawn, ...]
) -> None:
    met = {pair for made in train for pair in combinations_of(made.concepts)}
    assert all(combinations_of(made.concepts) - met for made in test)
    assert all(combinations_of(made.concepts) - met for made in dev)
    assert all(split_of(made.concepts) == "test" for made in test)
    assert all(split_of(made.concepts) == "dev" for made in dev)


def test_no_sentence_is_in_two_splits(
    train: tuple[Drawn, ...], dev: tuple[Drawn, ...], test: tuple[Drawn, ...]
) -> None:
    known_french = {key(made.french) for made in train} | {key(french) for french, _ in phrases()}
    known_english = {key(made.english) for made in train} | {key(english) for _, english in phrases()}
    for split in (dev, test):
        assert known_french.isdisjoint(key(made.french) for made in split)
        assert known_english.isdisjoint(key(made.english) for made in split)
    assert {key(made.french) for made in dev}.isdisjoint(key(made.french) for made in test)
    assert {key(made.english) for made in dev}.isdisjoint(key(made.english) for made in test)


def test_every_held_out_word_occurs_in_training(
    train: tuple[Drawn, ...], dev: tuple[Drawn, ...], test: tuple[Drawn, ...]
) -> None:
    french = {word for made in train for word in words(made.french)}
    english = {word for made in train for word in words(made.english)}
    for made in (*dev, *test):
        assert french.issuperset(words(made.french))
        assert english.issuperset(words(made.english))


def test_no_kind_of_sentence_prevails(train: tuple[Drawn, ...]) -> None:
    shares = Counter(made.pattern for made in train)
    assert len(PATTERNS) >= 60
    assert len(shares) == len(PATTERNS)
    assert max(shares.values()) <= 0.06 * len(train)


def test_a_french_sentence_has_one_translation(train: tuple[Drawn, ...]) -> None:
    translations = {made.french: made.english for made in train}
    for french, english in phrases():
        assert translations.setdefault(french, english) == english
    draw = Draw(Random(9))
    drawn: dict[str, str] = {}
    for _ in range(20_000):
        _, made = any_sentence(draw)
        assert drawn.setdefault(made.french, made.english) == made.english


def test_sentences_are_typeset_well(train: tuple[Drawn, ...]) -> None:
    unelided = re.compile(
        r"(?<!-)\b(?:je|ne|me|te|se|que|jusque) (?!onze\b|huit\b|hurl|haï)[aeiouhéèêâîœ]", re.IGNORECASE
    )
    uncontracted = re.compile(r"(?<!-)\b(?:à|de) les? (?!\w+(?:er|ir|re|oir)\b)", re.IGNORECASE)
    for made in train:
        assert made.french[0].isupper() and made.english[0].isupper()
        assert made.french[-1] == made.english[-1] and made.french[-1] in ".?!"
        assert not re.search(r"  | [.,]|[^ ][?!]", made.french), made.french
        assert not re.search(r"  | [.,?!]", made.english), made.english
        assert not unelided.search(made.french), made.french
        assert not uncontracted.search(made.french), made.french


def test_the_phrases_are_well_formed() -> None:
    assert len(phrases()) >= 1_500
    assert len({french.casefold().rstrip(" .?!") for french, _ in phrases()}) == len(phrases())
    for french, english in phrases():
        assert french and english and french == french.strip() and english == english.strip()
        assert "’" not in french + english and "  " not in french + english
        assert not re.search(r"[^ ][?!;]$", french), french
