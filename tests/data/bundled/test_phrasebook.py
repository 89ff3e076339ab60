import os
import re
import subprocess
import sys
from collections import Counter
from hashlib import sha256
from random import Random

import pytest

from seq2seq.data.bundled import phrasebook
from seq2seq.data.bundled.holdout import combinations_of, key, split_of, words
from seq2seq.data.bundled.patterns.catalogue import PATTERNS, any_sentence
from seq2seq.data.bundled.patterns.draw import Draw
from seq2seq.data.bundled.phrasebook import Drawn


@pytest.fixture(scope="module")
def train() -> tuple[Drawn, ...]:
    return phrasebook.sentences("train", count=phrasebook.TRAINING_SENTENCES)


@pytest.fixture(scope="module")
def dev() -> tuple[Drawn, ...]:
    return phrasebook.sentences("dev", count=phrasebook.HELD_OUT_SENTENCES)


@pytest.fixture(scope="module")
def test() -> tuple[Drawn, ...]:
    return phrasebook.sentences("test", count=phrasebook.HELD_OUT_SENTENCES)


def test_sizes(train: tuple[Drawn, ...], dev: tuple[Drawn, ...], test: tuple[Drawn, ...]) -> None:
    assert (len(train), len(dev), len(test)) == (60_000, 1_000, 1_000)
    assert len({made.french for made in train}) == 60_000


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
    phrases = phrasebook.phrases()
    known_french = {key(made.french) for made in train} | {key(french) for french, _ in phrases}
    known_english = {key(made.english) for made in train} | {key(english) for _, english in phrases}
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
    for french, english in phrasebook.phrases():
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


def digest_in_another_process(hash_seed: str) -> str:
    program = (
        "from hashlib import sha256; from seq2seq.data.bundled.phrasebook import generated; "
        "print(sha256(repr(generated('train', count=2_000, seed=4)).encode()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_same_seed_gives_the_same_pairs_in_any_process() -> None:
    here = sha256(repr(phrasebook.generated("train", count=2_000, seed=4)).encode()).hexdigest()
    assert digest_in_another_process("1") == digest_in_another_process("2") == here
    assert phrasebook.generated("train", count=2_000, seed=5) != phrasebook.generated("train", count=2_000, seed=4)


def test_training_pairs_hold_the_phrases_and_their_variants() -> None:
    corpus = phrasebook.pairs("train")
    phrases = phrasebook.phrases()
    assert set(phrases) <= set(corpus)
    counts = Counter(corpus)
    assert all(counts[phrase] == 3 for phrase in phrases)
    assert {(french.upper(), english) for french, english in phrases} <= set(corpus)
    assert 60_000 * 1.2 < len(corpus) - len(phrases) * 12 < 60_000 * 1.35
    translations: dict[str, set[str]] = {}
    for french, english in corpus:
        translations.setdefault(french, set()).add(english)
    assert {french: english for french, english in translations.items() if len(english) > 1} == {}
    assert len(phrasebook.pairs("dev")) == len(phrasebook.pairs("test")) == 1_000


def test_the_phrases_are_well_formed() -> None:
    phrases = phrasebook.phrases()
    assert len(phrases) >= 1_500
    assert len({french.casefold().rstrip(" .?!") for french, _ in phrases}) == len(phrases)
    for french, english in phrases:
        assert french and english and french == french.strip() and english == english.strip()
        assert "’" not in french + english and "  " not in french + english
        assert not re.search(r"[^ ][?!;]$", french), french


def test_the_typed_inputs_are_well_formed() -> None:
    typed = phrasebook.typed()
    written = {french for french, _ in phrasebook.phrases()}
    assert len(typed) == 100
    assert all(answers and all(answers) for _, answers in typed)
    assert written.isdisjoint(french for french, _ in typed)
