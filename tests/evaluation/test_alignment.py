"""The alignment error rate, and words aligned by how often they occur together."""

from __future__ import annotations

import random

import numpy as np
import pytest

from seq2seq.evaluation.alignment import by_cooccurrence, error_rate

WORDS = {"un": "one", "deux": "two", "chat": "cat", "chien": "dog", "rouge": "red", "mange": "eats", "vite": "fast"}


def test_the_error_rate_is_that_of_its_definition() -> None:
    """1 - (|A n S| + |A n P|) / (|A| + |S|), over all sentences together."""
    found = [[(0, 0), (1, 1), (2, 2)], [(0, 1)]]
    sure = [[(0, 0), (1, 2)], [(0, 0)]]
    possible = [[(1, 1)], []]
    hits_of_sure, hits_of_possible = 1, 2  # (0, 0); with (1, 1)
    assert error_rate(found, sure, possible) == pytest.approx(1 - (hits_of_sure + hits_of_possible) / (4 + 3))


def test_what_is_possible_is_neither_demanded_nor_wrong() -> None:
    sure, possible = [[(0, 0)]], [[(1, 1), (2, 1)]]
    assert error_rate(sure, sure, possible) == error_rate([[(0, 0), (1, 1)]], sure, possible) == 0
    assert error_rate([[]], sure, possible) == 1 and error_rate([], [], []) == 0


def shuffled_pairs(count: int) -> tuple[list[tuple[list[str], list[str]]], list[list[int]]]:
    """Translations word for word, half of them with two neighbours exchanged, and where each target word comes from."""
    draw, pairs, orders = random.Random(1), [], []
    for _ in range(count):
        source = draw.sample([*WORDS], k=draw.randint(2, 5))
        order = [*range(len(source))]
        if draw.random() < 0.5:
            place = draw.randrange(len(source) - 1)
            order[place : place + 2] = place + 1, place
        pairs.append((source, [WORDS[source[place]] for place in order]))
        orders.append(order)
    return pairs, orders


def test_it_learns_which_words_belong_together_where_their_order_differs() -> None:
    pairs, orders = shuffled_pairs(300)
    found = by_cooccurrence(pairs)
    right = [(weights.argmax(1) == order).all() for weights, order in zip(found, orders, strict=True)]
    assert np.mean(right) > 0.97
    assert all(weights.shape == (len(target), len(source)) for weights, (source, target) in zip(found, pairs))


def test_pairs_that_say_nothing_have_no_weights() -> None:
    pairs, _ = shuffled_pairs(3)
    strange = [([], ["one"]), (["un"], []), (["un"] * 61, ["one"])]
    found = by_cooccurrence([strange[0], *pairs[:1], *strange[1:], *pairs[1:]])
    assert [weights.size > 0 for weights in found] == [False, True, False, False, True, True]
    assert by_cooccurrence([]) == []
