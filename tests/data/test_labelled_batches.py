"""Batches of texts with labels: rows that fit, each text once an epoch, exact from any place on, cached as uncached."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data import tokenizers
from seq2seq.data.batches import Place
from seq2seq.data.labelled import Labelled, LabelledSource
from seq2seq.data.labelled_batches import EncodedTexts, LabelledBatches, RowCollator, encode
from seq2seq.data.tokenizer import BOS, EOS
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.errors import DataError
from seq2seq.recipe import Tokenizer
from tests.support import tiny

ROWS = [Labelled((text,), label) for text, label in tiny.labelled(60, 1)]


@pytest.fixture(scope="module")
def both() -> Tokenizers:
    one = tokenizers.train(
        Tokenizer(kind="bpe", vocabulary_size=40, byte_fallback=False), (record.texts[0] for record in ROWS)
    )
    return Tokenizers(one, one)


def source(records: list[Labelled]) -> LabelledSource:
    return LabelledSource("here", lambda: iter(records), lambda: str(records))


def encoded(records: list[Labelled], both: Tokenizers, cache: Path, *held_out: Labelled) -> EncodedTexts:
    return encode(source(records), ("pet", "thing"), both, cache, max_length=40, held_out=[source([*held_out])])


texts = st.lists(st.integers(4, 9), min_size=1, max_size=30)


@given(st.lists(texts, min_size=1, max_size=2), st.integers(6, 40), st.booleans())
def test_a_row_holds_as_much_as_fits_and_cuts_the_longest_first(
    sides: list[list[int]], max_length: int, first: bool
) -> None:
    layout = RowCollator(max_length, first=first)
    row = [*layout.row(sides), EOS]
    assert len(row) == max_length or not layout.is_cut(sides)
    assert len(row) <= max_length
    if first:
        assert row.pop(0) == BOS
    parts: list[list[int]] = [[]]
    for token in row[:-1]:
        if token == EOS:
            parts.append([])
        else:
            parts[-1].append(token)
    assert [part == side[: len(part)] for part, side in zip(parts, sides, strict=True)] == [True] * len(sides)
    lengths = [(len(part), len(side)) for part, side in zip(parts, sides)]
    shortest_cut = min((part for part, side in lengths if part < side), default=99)
    assert all(part <= shortest_cut + 1 for part, _ in lengths)


@pytest.mark.parametrize("sampling", [0.0, 0.3])
def test_each_text_is_trained_on_once_an_epoch_within_the_budget(
    both: Tokenizers, tmp_path: Path, sampling: float
) -> None:
    encoding = encoded(ROWS, both, tmp_path)
    stream = LabelledBatches(encoding, both, RowCollator(40, first=False), batch_tokens=200, seed=1, sampling=sampling)
    labels: list[int] = []
    seen: list[str] = []
    for place, batch in stream.stream():
        if place.epoch:
            break
        assert batch.inputs[0] is not None and batch.inputs[0].numel() <= 200 and batch.tokens == len(batch.labels)
        labels += batch.labels.tolist()
        seen += both.source.decode(batch.inputs[0].tolist())
    assert sorted(seen) == sorted(record.texts[0] for record in ROWS)
    assert dict(zip(seen, labels)) == {record.texts[0]: int(record.label == "thing") for record in ROWS}


@pytest.mark.parametrize("sampling", [0.0, 0.3])
def test_batches_from_a_place_on_are_those_that_followed(both: Tokenizers, tmp_path: Path, sampling: float) -> None:
    encoding = encoded(ROWS, both, tmp_path)
    stream = LabelledBatches(encoding, both, RowCollator(40, first=True), batch_tokens=150, seed=3, sampling=sampling)
    whole = list(islice(stream.stream(), 40))
    for start in (0, 5, 33):
        place = whole[start][0]
        for (one, batch), (other, again) in zip(whole[start:], stream.stream(Place(*place))):
            assert one == other and torch.equal(batch.labels, again.labels)
            assert batch.inputs[0] is not None and again.inputs[0] is not None
            assert torch.equal(batch.inputs[0], again.inputs[0])


def test_texts_are_dropped_by_reason_and_found_in_the_cache(both: Tokenizers, tmp_path: Path) -> None:
    records = [*ROWS, Labelled((" ",), "pet"), Labelled(("no label",), "")]
    held_out = Labelled((ROWS[0].texts[0].upper() + "!",), "thing")
    first = encoded(records, both, tmp_path, held_out)
    assert first.report["dropped"] == {"blank or without a label": 2, "in dev or test": 1}
    assert (first.report["read"], first.report["kept"], len(first)) == (62, 59, 59)
    assert sum(first.report["classes"].values()) == 59
    again = encoded(records, both, tmp_path, held_out)
    assert again.folder == first.folder and again.labels.tolist() == first.labels.tolist()
    assert all(one.tolist() == other.tolist() for one, other in zip(first[7], again[7]))
    assert encoded(records, both, tmp_path).folder != first.folder
    with pytest.raises(DataError, match=r"no text is left of here \(in dev or test: 60\)"):
        encoded(ROWS, both, tmp_path, *ROWS)


def test_a_share_of_the_tokens_is_left_out_others_each_time_and_one_stays(both: Tokenizers, tmp_path: Path) -> None:
    encoding = encoded(ROWS, both, tmp_path)

    def epochs(dropout: float, start: Place = Place()) -> list[list[list[int]]]:  # noqa: B008 (immutable)
        batches = LabelledBatches(
            encoding, both, RowCollator(40, first=False), batch_tokens=4000, seed=1, dropout=dropout
        ).stream(start)
        return [batch.inputs[0].tolist() for _, batch in islice(batches, 2)]  # type: ignore[union-attr]

    def count(rows: list[list[int]]) -> int:
        return sum(token > EOS for row in rows for token in row)

    plain, thinned = epochs(0.0), epochs(0.3)
    assert 0.6 < count(thinned[0]) / count(plain[0]) < 0.8 and thinned[0] != thinned[1]
    assert epochs(0.3, Place(1, 0, 0))[0] == thinned[1]
    assert all(any(token > EOS for token in row) for row in epochs(0.99)[0])
