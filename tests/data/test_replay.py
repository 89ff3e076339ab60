"""A former corpus mixed in: shares of groups, and windows of several streams."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data.batches import Place
from seq2seq.data.corpora import mixture
from seq2seq.data.corpus import Corpus
from seq2seq.data.documents import Documents
from seq2seq.data.pairs import PairSource
from seq2seq.data.stream import MixedWindows, TokenStream, divided, encode
from seq2seq.data.tokenizers import Characters


def corpus(*shares: float | None) -> Corpus[PairSource]:
    """A corpus of as many sources as shares."""
    empty = PairSource("empty", lambda: iter(()), lambda: "")
    return Corpus("mine", "files", (empty,) * len(shares), empty, empty, shares if any(shares) else ())


def test_a_former_corpus_has_its_share_and_inside_it_what_it_had() -> None:
    mixed = corpus(None).with_former(corpus(0.6, None, None), 0.3, 1.0)
    assert mixture(mixed, [10, 500, 300, 100]) == pytest.approx([0.7, 0.3 * 0.6, 0.3 * 0.3, 0.3 * 0.1])
    again = corpus(None, None).with_former(mixed, 0.5, 1.0)
    assert mixture(again, [30, 10, 10, 500, 300, 100]) == pytest.approx(
        [0.375, 0.125, 0.35, 0.15 * 0.6, 0.15 * 0.3, 0.15 * 0.1]
    )
    assert mixture(mixed, [10, 0, 0, 0]) == pytest.approx([1, 0, 0, 0])
    assert mixture(corpus(None, None), [30, 10]) == pytest.approx([0.75, 0.25])


@given(
    weights=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    rows=st.integers(1, 9),
    empty=st.booleans(),
)
def test_rows_are_divided_by_shares_and_no_part_ever_shrinks(weights: list[int], rows: int, empty: bool) -> None:
    weights = [*weights, 0] if empty else weights
    shares = [weight / sum(weights) for weight in weights]
    former = [0] * len(shares)
    for batches in range(60):
        counts = divided(batches * rows, shares)
        assert sum(counts) == batches * rows and all(one <= other for one, other in zip(former, counts))
        assert all(abs(count - share * batches * rows) <= len(shares) for count, share in zip(counts, shares))
        former = counts


LETTERS = Characters("\n abcdefgh")


def streams(folder: Path, *texts: str) -> list[TokenStream]:
    sources = [Documents(text[:9], lambda text=text: iter([text]), lambda text=text: text) for text in texts]  # type: ignore[misc]
    return [encode(source, LETTERS, folder) for source in sources]


@pytest.mark.parametrize("chunks", ["random", "packed"])
def test_windows_of_two_texts_are_a_pure_function_of_their_place(tmp_path: Path, chunks: str) -> None:
    both = streams(tmp_path, "abcd" * 60, "efgh" * 40)

    def source() -> MixedWindows:
        return MixedWindows(both, (0.7, 0.3), context=8, batch_tokens=32, seed=3, chunks=chunks)  # type: ignore[arg-type]

    every = list(islice(source().stream(), 50))
    for place, batch in islice(source().stream(Place(0, 0, 20)), 10):
        assert place == every[place.index][0]
        assert torch.equal(batch.inputs[0], every[place.index][1].inputs[0])  # type: ignore[arg-type]
    former = {int(token) for token in both[1][:4]}
    rows = Counter(int(row[0]) in former for _, batch in every for row in batch.inputs[0])  # type: ignore[union-attr]
    assert rows[True] == 60 and rows[False] == 140


def test_packed_every_window_of_a_text_is_seen_before_any_is_again(tmp_path: Path) -> None:
    text = "".join("abcdefgh"[number // 8 % 8] for number in range(161))
    mixed = MixedWindows(
        streams(tmp_path, text, "h" * 90), (0.5, 0.5), context=8, batch_tokens=32, seed=1, chunks="packed"
    )
    first = [tuple(row.tolist()) for _, batch in islice(mixed.stream(), 10) for row in batch.inputs[0][:2]]  # type: ignore[index]
    expected = [tuple(mixed_row) for mixed_row in (LETTERS.encode([text[at : at + 8]])[0] for at in range(0, 160, 8))]
    assert sorted(first) == sorted(expected)


def test_a_text_shorter_than_the_context_is_padded(tmp_path: Path) -> None:
    mixed = MixedWindows(
        streams(tmp_path, "abcd" * 9, "efg"), (0.5, 0.5), context=8, batch_tokens=16, seed=1, chunks="random"
    )
    _, batch = next(mixed.stream())
    assert batch.tokens == 10 and batch.labels.shape == (2, 8)
