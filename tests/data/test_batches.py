"""Batches of pairs: each pair once an epoch, within the budget, the same from any place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice, takewhile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data import batches
from seq2seq.data.batches import Batch, Batches, Place, collate, pad_sources
from seq2seq.data.cutting import cut
from seq2seq.data.encoded import EncodedPairs, encode
from seq2seq.data.order import Shuffled
from seq2seq.data.tokenizers import BOS, EOS, PAD, Tokenizers
from tests.support.samples import pairs, text

COUNT, BUDGET, CHUNK = 700, 400, 300
BEGINNING = Place()


@pytest.fixture(scope="module")
def encoded(bpe: Tokenizers, tmp_path_factory: pytest.TempPathFactory) -> EncodedPairs:
    return encode([text(pairs(COUNT))], bpe, tmp_path_factory.mktemp("cache"), max_length=128, max_ratio=4.0)


def _stream(
    encoded: EncodedPairs, bpe: Tokenizers, start: Place = BEGINNING, seed: int = 1, sampling: float = 0.0
) -> Iterator[tuple[Place, Batch]]:
    source = Batches(
        encoded, bpe, batch_tokens=BUDGET, seed=seed, sampling=sampling, order=Shuffled(len(encoded), seed, CHUNK)
    )
    return source.stream(start)


def _epoch(stream: Iterator[tuple[Place, Batch]], epoch: int = 0) -> list[tuple[Place, Batch]]:
    return list(takewhile(lambda found: found[0].epoch == epoch, stream))


def _key(batch: Batch) -> tuple[object, ...]:
    return tuple(None if part is None else part.tolist() for part in (*batch.inputs, batch.labels))


def _pairs(batch: Batch) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    source = batch.inputs[0]
    assert source is not None
    for tokens, labels in zip(source.tolist(), batch.labels.tolist()):
        yield tuple(tokens[: tokens.index(EOS)]), tuple(labels[: labels.index(EOS)])


@pytest.mark.parametrize("epoch", [0, 1])
def test_an_epoch_has_each_pair_once(encoded: EncodedPairs, bpe: Tokenizers, epoch: int) -> None:
    seen = Counter(pair for _, batch in _epoch(_stream(encoded, bpe, Place(epoch)), epoch) for pair in _pairs(batch))
    expected = (encoded[index] for index in range(COUNT))
    assert seen == Counter((tuple(source.tolist()), tuple(target.tolist())) for source, target in expected)
    assert sum(seen.values()) == COUNT


@pytest.mark.parametrize("sampling", [0.0, 0.2])
def test_no_batch_exceeds_the_budget(encoded: EncodedPairs, bpe: Tokenizers, sampling: float) -> None:
    for _, batch in _epoch(_stream(encoded, bpe, sampling=sampling)):
        source, _, target = batch.inputs
        assert source is not None
        assert target is not None
        assert len(source) * max(source.size(1), target.size(1)) <= BUDGET


def test_the_seed_alone_decides_the_order_and_epochs_differ(encoded: EncodedPairs, bpe: Tokenizers) -> None:
    one, again, other = ([_key(batch) for _, batch in _epoch(_stream(encoded, bpe, seed=seed))] for seed in (1, 1, 2))
    next_epoch = [_key(batch) for _, batch in _epoch(_stream(encoded, bpe, Place(1)), 1)]
    assert one == again
    assert one != other
    assert one != next_epoch


@pytest.mark.parametrize("sampling", [0.0, 0.2])
def test_a_stream_from_a_place_is_the_tail_of_the_whole(
    encoded: EncodedPairs, bpe: Tokenizers, sampling: float
) -> None:
    one_epoch = len(_epoch(_stream(encoded, bpe, sampling=sampling)))
    whole = list(islice(_stream(encoded, bpe, sampling=sampling), one_epoch + 40))
    assert len({place.chunk for place, _ in whole}) == 3
    starts = [index for index, (place, _) in enumerate(whole[1:], 1) if place.index == 0 or index % 23 == 5]
    for index in starts:
        before, place = whole[index - 1][0], whole[index][0]
        for start in (place, before._replace(index=before.index + 1)):
            found = list(islice(_stream(encoded, bpe, start, sampling=sampling), 12))
            expected = whole[index : index + 12]
            assert [place for place, _ in found][: len(expected)] == [place for place, _ in expected]
            assert [_key(batch) for _, batch in found][: len(expected)] == [_key(batch) for _, batch in expected]


def test_sampling_changes_segmentation_not_text_and_differs_by_epoch(encoded: EncodedPairs, bpe: Tokenizers) -> None:
    def texts(sampling: float, epoch: int) -> tuple[Counter[str], list[tuple[int, ...]]]:
        found = [
            pair[1]
            for _, batch in _epoch(_stream(encoded, bpe, Place(epoch), sampling=sampling), epoch)
            for pair in _pairs(batch)
        ]
        return Counter(bpe.target.decode(found)), sorted(found)

    plain, first, second = texts(0.0, 0), texts(0.2, 0), texts(0.2, 1)
    assert plain[0] == first[0] == second[0]
    assert len({str(segmented) for _, segmented in (plain, first, second)}) == 3


def test_sampling_stays_within_the_longest_allowed(encoded: EncodedPairs, bpe: Tokenizers) -> None:
    longest = int(encoded.lengths().max()) + 1
    sampled = Batches(
        encoded,
        bpe,
        batch_tokens=BUDGET,
        seed=1,
        sampling=0.5,
        max_length=longest,
        order=Shuffled(len(encoded), 1, CHUNK),
    )
    sizes = [
        part.size(1)
        for _, batch in _epoch(sampled.stream())
        for part in (batch.inputs[0], batch.labels)
        if part is not None
    ]
    assert max(sizes) == longest


def test_little_is_padded_where_the_sides_differ_in_length(bpe: Tokenizers, tmp_path: Path) -> None:
    drawn = np.random.default_rng(1).integers(4, 12, (4000, 2))
    rows = [("chat " * int(source), "cat " * int(target)) for source, target in drawn]
    uneven = encode([text(rows)], bpe, tmp_path, max_length=128, max_ratio=9.0)
    found = [batch for _, batch in _epoch(Batches(uneven, bpe, batch_tokens=1024, seed=1).stream())]
    assert sum(batch.filled for batch in found) / sum(batch.padded for batch in found) > 0.97


def test_little_is_padded(bpe: Tokenizers, tmp_path: Path) -> None:
    many = encode([text(pairs(6000))], bpe, tmp_path, max_length=128, max_ratio=4.0)
    found = [batch for _, batch in _epoch(Batches(many, bpe, batch_tokens=4096, seed=1).stream())]
    assert 1 - sum(batch.filled for batch in found) / sum(batch.padded for batch in found) < 0.06
    fullest = [max(part.numel() for part in (batch.inputs[0], batch.labels) if part is not None) for batch in found]
    assert np.median(fullest) > 0.9 * 4096


def test_collate_shifts_the_target_and_pads_with_pad() -> None:
    batch = collate([[7, 8], [9]], [[10], [11, 12, 13]])
    source, mask, target = batch.inputs
    assert source is not None
    assert mask is not None
    assert target is not None
    assert source.tolist() == [[7, 8, EOS], [9, EOS, PAD]]
    assert mask.shape == (2, 1, 1, 3)
    assert mask[:, 0, 0].tolist() == [[True, True, True], [True, True, False]]
    assert target.tolist() == [[BOS, 10, PAD, PAD], [BOS, 11, 12, 13]]
    assert batch.labels.tolist() == [[10, EOS, PAD, PAD], [11, 12, 13, EOS]]
    assert (batch.tokens, batch.padded, batch.filled) == (6, 6 + 8, 5 + 6)
    assert {part.dtype for part in (source, target, batch.labels)} == {torch.int64}
    assert mask.dtype == torch.bool


def test_one_sequence_a_pair_labels_the_target_alone() -> None:
    batch = batches.JOINED.collate([[5, 6, 7], [8]], [[9], [10, 11]])
    (inputs,) = batch.inputs
    assert inputs is not None
    assert inputs.tolist() == [[5, 6, 7, BOS, 9], [8, BOS, 10, 11, PAD]]
    assert batch.labels.tolist() == [[PAD, PAD, PAD, 9, EOS], [PAD, 10, 11, EOS, PAD]]
    assert (batch.tokens, batch.padded, batch.filled) == (5, 10, 9)


def test_joined_batches_keep_the_budget_and_hold_each_pair_once(encoded: EncodedPairs, bpe: Tokenizers) -> None:
    joined = Batches(
        encoded, bpe, batch_tokens=BUDGET, seed=1, layout=batches.JOINED, order=Shuffled(len(encoded), 1, CHUNK)
    )
    epoch = [batch for _, batch in takewhile(lambda each: each[0].epoch == 0, joined.stream())]
    assert max(batch.padded for batch in epoch) <= BUDGET
    assert sum(len(batch.labels) for batch in epoch) == len(encoded)
    assert sum(batch.filled for batch in epoch) / sum(batch.padded for batch in epoch) > 0.8


def test_no_mask_where_sources_are_equally_long() -> None:
    assert collate([[7, 8], [9, 10]], [[11], [12, 13]]).inputs[1] is None
    tokens, mask, count = pad_sources([[], []])
    assert (tokens.tolist(), mask, count) == ([[EOS], [EOS]], None, 2)


def test_a_batch_moves_whole() -> None:
    batch = collate([[7]], [[8]])
    assert _key(batch.to(torch.device("cpu"))) == _key(batch)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=200), st.integers(61, 300))
def test_cuts_cover_everything_in_order_within_the_budget_and_greedily(lengths: list[int], budget: int) -> None:
    longest = np.array(sorted(lengths))
    bounds = cut(longest, budget)
    assert [bounds[0][0], *(end for _, end in bounds)] == [*(start for start, _ in bounds), len(longest)]
    for start, end in bounds:
        assert (end - start) * (longest[end - 1] + 1) <= budget
        assert end == len(longest) or (end - start + 1) * (longest[end] + 1) > budget
