"""The pairs that are aligned by hand can be used as they are."""

from __future__ import annotations

from seq2seq.decoding.alignment import links_of, words
from seq2seq.evaluation.alignment import by_cooccurrence, error_rate
from tests.alignment.hand_aligned import diagonal, read

PAIRS = read()


def test_there_are_a_hundred_different_pairs_of_everyday_length() -> None:
    assert len({pair.source for pair in PAIRS}) == len({pair.target for pair in PAIRS}) == len(PAIRS) == 100
    assert all(5 <= len(words(text)) <= 15 for pair in PAIRS for text in pair[:2])


def test_every_link_names_a_word_of_each_side_once() -> None:
    for pair in PAIRS:
        both = [*pair.sure, *pair.possible]
        assert len({*both}) == len(both) and pair.sure, pair.source
        sources, targets = ({link[side] for link in both} for side in (0, 1))
        assert sources == {*range(len(words(pair.source)))}, pair.source  # every word is linked
        assert targets == {*range(len(words(pair.target)))}, pair.source


def test_words_come_in_another_order_often_enough() -> None:
    """Where the diagonal were right, nothing could be measured."""
    found = [diagonal(pair.source, pair.target) for pair in PAIRS]
    rate = error_rate(found, [pair.sure for pair in PAIRS], [pair.possible for pair in PAIRS])
    assert 0.35 < rate < 0.6


def test_word_counts_alone_do_better_than_the_diagonal() -> None:
    """From these hundred pairs, with no other text."""
    counted = by_cooccurrence([(words(pair.source.lower()), words(pair.target.lower())) for pair in PAIRS])
    sure, possible = [pair.sure for pair in PAIRS], [pair.possible for pair in PAIRS]
    by_place = error_rate([diagonal(pair.source, pair.target) for pair in PAIRS], sure, possible)
    assert error_rate([links_of(weights) for weights in counted], sure, possible) < 0.8 * by_place
