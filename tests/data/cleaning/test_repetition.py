"""Repetition is found as a slow count of texts finds it."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data.cleaning.likeness import likeness
from seq2seq.data.cleaning.repetition import Counts, Duplicates, MaxPerSide, NearDuplicates
from seq2seq.data.pairs import Pair

SIDES = st.sampled_from(["a", "A", "a.", " a ", "b", "B !", "été", "ÉTÉ", "ete", "3 b", "44 b", "...", "\t", ""])
PAIRS = st.lists(st.tuples(SIDES, SIDES), max_size=60)
LIKE = {"A": "a", "a.": "a", " a ": "a", "B !": "b", "ÉTÉ": "été", "44 b": "3 b", "\t": ""}


def plain(pair: Pair) -> Pair:
    return LIKE.get(pair[0], pair[0]), LIKE.get(pair[1], pair[1])


@given(st.lists(st.one_of(st.integers(0, 30), st.integers(0, 2**64 - 1)), max_size=200))
def test_counts_are_those_of_a_counter(digests: list[int]) -> None:
    counts, slow = Counts(), Counter[int]()
    for digest in digests:
        digest = digest or 1
        assert counts.count(digest) == counts.add(digest) == slow[digest]
        slow[digest] += 1


def test_counts_grow() -> None:
    counts = Counts()
    assert sum(counts.add(digest * 2**40) for digest in range(5000)) == 0
    assert all(counts.add(digest * 2**40) == 1 for digest in range(1, 5000))


@given(PAIRS)
def test_duplicates_are_equal_pairs(pairs: list[Pair]) -> None:
    duplicates = Duplicates()
    assert [duplicates.takes(pair) for pair in pairs] == [pair in pairs[:index] for index, pair in enumerate(pairs)]


@given(PAIRS)
def test_near_duplicates_have_equal_letters(pairs: list[Pair]) -> None:
    near = NearDuplicates()
    slow = [*map(plain, pairs)]
    assert [near.takes(pair) for pair in pairs] == [pair in slow[:index] for index, pair in enumerate(slow)]


@given(PAIRS, st.integers(1, 4))
def test_the_first_pairs_of_a_side_stay(pairs: list[Pair], most: int) -> None:
    per_side = MaxPerSide(most)
    kept: list[Pair] = []
    for pair in pairs:
        source, target = plain(pair)
        full = max([source for source, _ in kept].count(source), [target for _, target in kept].count(target)) >= most
        assert per_side.takes(pair) == full
        if not full:
            kept.append((source, target))


def test_what_likeness_ignores() -> None:
    same = ["Il a 5 ans !", "il a 12 ans", "« Il a 3 ans. »", "IL A 1 000 ANS", "Il\u00a0a 7\u202fans…"]
    assert len({*map(likeness, same)}) == 1
    different = ["il a ans", "il à 5 ans", "कि", "की", "क", "•", "–", "", "ß-ss", "l'eau"]
    assert len({*map(likeness, different)}) == len(different)
