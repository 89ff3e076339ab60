"""The bundled phrasebook: its phrases and their variants, what is held out, and the set `typed`."""

from collections import Counter

import pytest

from seq2seq.data.bundled.phrasebook import pairs, typed
from seq2seq.data.pairs import Pair
from tests.phrasebook.generator import phrases


@pytest.fixture(scope="module")
def train() -> list[Pair]:
    return pairs("train")


def test_training_pairs_hold_the_phrases_and_their_variants(train: list[Pair]) -> None:
    written = phrases()
    counts = Counter(train)
    assert all(counts[phrase] == 3 for phrase in written)
    assert {(french.upper(), english) for french, english in written} <= set(train)
    assert 60_000 * 1.2 < len(train) - len(written) * 12 < 60_000 * 1.35
    translations: dict[str, set[str]] = {}
    for french, english in train:
        translations.setdefault(french, set()).add(english)
    assert {french: english for french, english in translations.items() if len(english) > 1} == {}


def test_held_out_pairs_are_distinct_and_never_trained_on(train: list[Pair]) -> None:
    dev, test = set(pairs("dev")), set(pairs("test"))
    assert len(dev) == len(test) == 1_000
    assert dev.isdisjoint(test) and (dev | test).isdisjoint(train)


def test_the_typed_inputs_are_well_formed() -> None:
    written = {french for french, _ in phrases()}
    assert len(typed()) == 100
    assert all(answers and all(answers) for _, answers in typed())
    assert written.isdisjoint(french for french, _ in typed())
