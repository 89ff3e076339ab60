"""The order of pairs: endless, deterministic, by shares."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data.corpora import shares
from seq2seq.data.order import Mixed, Order, Shuffled


def sequence(order: Order, epochs: int) -> list[list[int]]:
    """All chunks of the first epochs."""
    return [chunk.tolist() for epoch in range(epochs) for chunk in order.chunks(epoch)]


@given(size=st.integers(1, 60), chunk=st.integers(1, 70), seed=st.integers(0, 5))
def test_an_epoch_shows_every_pair_once(size: int, chunk: int, seed: int) -> None:
    order = Shuffled(size, seed, chunk)
    for epoch in range(2):
        chunks = list(order.chunks(epoch))
        assert sorted(index for part in chunks for index in part.tolist()) == list(range(size))
        assert [part.tolist() for part in order.chunks(epoch, 1)] == [part.tolist() for part in chunks[1:]]


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    weights=st.lists(st.integers(1, 9), min_size=4, max_size=4),
    chunk=st.integers(1, 50),
)
def test_each_corpus_has_its_share_and_epochs_of_its_own(sizes: list[int], weights: list[int], chunk: int) -> None:
    parts = [weight / sum(weights[: len(sizes)]) for weight in weights[: len(sizes)]]
    order = Mixed(sizes, parts, seed=1, chunk=chunk)
    shown = [index for part in sequence(order, 6) for index in part]
    ends = np.cumsum(sizes)
    for corpus, (size, share) in enumerate(zip(sizes, parts)):
        own = [index for index in shown if ends[corpus] - size <= index < ends[corpus]]
        assert abs(len(own) - share * len(shown)) <= len(sizes) + 1
        times = Counter(own)
        # Nothing is shown again before all has been shown.
        assert max(times.values(), default=0) - min(times[ends[corpus] - size + i] for i in range(size)) <= 1
        for start in range(0, len(own) - size + 1, size):
            assert len({*own[start : start + size]}) == size


def test_a_mixture_begins_anywhere_as_if_it_had_not_stopped() -> None:
    order = Mixed([30, 7, 100], [0.2, 0.3, 0.5], seed=3, chunk=20)
    whole = sequence(order, 3)
    per_epoch = len(whole) // 3
    for epoch, first in ((0, 2), (1, 0), (2, 5)):
        begun = [chunk.tolist() for chunk in order.chunks(epoch, first)]
        assert begun == whole[epoch * per_epoch + first : (epoch + 1) * per_epoch]
    assert sequence(Mixed([30, 7, 100], [0.2, 0.3, 0.5], seed=4, chunk=20), 1) != whole[:per_epoch]


@pytest.mark.parametrize(
    ("sizes", "fixed", "temperature", "expected"),
    [
        ([100, 300], [None, None], 1.0, [0.25, 0.75]),
        ([100, 300], [0.4, None], 1.0, [0.4, 0.6]),
        ([100, 300, 100], [None, 0.5, None], 1.0, [0.25, 0.5, 0.25]),
        ([1, 16], [None, None], 2.0, [0.2, 0.8]),
        ([5, 5], [0.1, 0.3], 1.0, [0.25, 0.75]),  # a third, which is missing, had the rest
        ([0, 5], [0.5, 0.5], 1.0, [0.0, 1.0]),
    ],
)
def test_shares(sizes: list[int], fixed: list[float | None], temperature: float, expected: list[float]) -> None:
    assert shares(sizes, fixed, temperature) == pytest.approx(expected)


def test_a_small_corpus_is_repeated_within_a_chunk() -> None:
    chunk = next(islice(Mixed([3, 50], [0.5, 0.5], seed=1, chunk=20).chunks(0), 1)).tolist()
    assert Counter(index for index in chunk if index < 3).most_common()[-1][1] >= 3


def test_a_temperature_near_zero_leaves_the_largest_alone() -> None:
    assert shares([2000, 3000, 10], [None, None, None], 1e-5) == [0.0, 1.0, 0.0]
