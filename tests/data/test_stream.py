"""Running text as one stream of tokens, and its windows."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq import recipe
from seq2seq.data import pieces, tokenizers
from seq2seq.data.batches import Batch, Place
from seq2seq.data.documents import Documents, streamed
from seq2seq.data.pieces import cut_at_lines
from seq2seq.data.stream import TokenStream, Windows, encode, windows
from seq2seq.data.tokenizers import EOS, PAD, UNKNOWN, Bytes, Characters, Tokenizer
from seq2seq.errors import DataError

Chunks = Literal["random", "packed"]
BEGINNING = Place()
CHUNKS: tuple[Chunks, ...] = ("random", "packed")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def made(of: Sequence[str], origin: str = "made") -> Documents:
    return Documents(origin, lambda: iter(of), lambda: repr(of))


def _numbers(folder: Path, count: int) -> TokenStream:
    """A stream of `count` tokens, all different: the token at place i is 4 + i."""
    alphabet = "".join(chr(0x4E00 + number) for number in range(count))
    return encode(made([alphabet]), Characters(alphabet), folder)


def _rows(batch: Batch) -> Iterator[tuple[list[int], list[int]]]:
    """What each row of a batch reads and predicts, without padding."""
    (tokens,) = batch.inputs
    assert tokens is not None
    for row, labels in zip(tokens.tolist(), batch.labels.tolist()):
        yield [token for token in row if token != PAD], [label for label in labels if label != PAD]


def _key(batch: Batch) -> tuple[object, ...]:
    return tuple(part.tolist() for part in (*batch.inputs, batch.labels) if part is not None)


def _epoch(stream: Windows, epoch: int = 0) -> list[Batch]:
    return [batch for _, batch in takewhile(lambda found: found[0].epoch == epoch, stream.stream(Place(epoch)))]


@given(st.lists(st.text("aé\n 😀", max_size=60), min_size=1, max_size=4), st.integers(1, 20))
def test_encoding_in_pieces_is_encoding_whole(
    tmp_path_factory: pytest.TempPathFactory, of: list[str], size: int
) -> None:
    folder = tmp_path_factory.mktemp("pieces")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", size)
        for tokenizer in (Bytes(), Characters("aé\n")):
            expected = _expected(tokenizer, of)
            if not expected:
                continue
            found = encode(made(of), tokenizer, folder)
            assert found[:].tolist() == expected
            assert found.report == {
                "documents": sum(map(bool, of)),
                "characters": sum(map(len, of)),
                "bytes": len("".join(of).encode()),
                "tokens": len(expected),
                "unknown": expected.count(UNKNOWN),
                "dtype": "uint16",
            }


def _expected(tokenizer: Tokenizer, of: Sequence[str]) -> list[int]:
    present = [text for text in of if text]
    if len(present) == 1:
        return tokenizer.encode(present)[0]
    return [token for tokens in tokenizer.encode(present) for token in (*tokens, EOS)]


PROSE = "".join(
    f"{'Chapter' if number % 17 == 0 else 'It was'} {number}, he's said;\n" + "\n" * (number % 5 == 0) + "  don't\n" * 2
    for number in range(400)
)


def test_a_tokenizer_of_long_tokens_sees_no_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = tokenizers.train(recipe.Tokenizer(kind="byte-bpe", vocabulary_size=300), [PROSE])
    whole = trained.encode([PROSE])[0]
    monkeypatch.setattr(pieces, "PIECE", 700)
    assert len(list(made([PROSE]).pieces())) > 10
    found = encode(made([PROSE]), trained, tmp_path)
    assert found[:].tolist() == whole
    assert len(found) < 0.7 * len(PROSE)


def test_documents_end_with_eos_where_there_are_several(tmp_path: Path) -> None:
    b = Bytes()
    assert encode(made(["ab"]), b, tmp_path)[:].tolist() == b.encode(["ab"])[0]
    several = encode(made(["ab", "", "c"]), b, tmp_path)
    assert several[:].tolist() == [*b.encode(["ab"])[0], EOS, *b.encode(["c"])[0], EOS]
    assert several.report["documents"] == 2


def test_a_wide_vocabulary_takes_wide_tokens(tmp_path: Path) -> None:
    wide = Characters("".join(map(chr, range(0x10000, 0x30000))))
    found = encode(made(["\U00010000\U0002ffff"]), wide, tmp_path)
    assert (found.report["dtype"], found[:].tolist()) == ("uint32", [4, 0x20000 + 3])


def test_the_second_time_nothing_is_read_or_encoded(tmp_path: Path) -> None:
    reads: list[int] = []

    def read() -> Iterator[str]:
        reads.append(1)
        return iter(["one\n", "two"])

    counted = Documents("counted", read, lambda: "sum")
    first = encode(counted, Bytes(), tmp_path)
    again = encode(counted, Bytes(), tmp_path)
    assert len(reads) == 1
    assert first[:].tolist() == again[:].tolist()
    assert first.report == again.report


def test_the_cache_knows_text_and_tokenizer_apart(tmp_path: Path) -> None:
    calls: list[tuple[str, Tokenizer]] = [
        ("ab", Bytes()),
        ("ba", Bytes()),
        ("ab", Characters("ab")),
        ("ab", Characters("abc")),
    ]
    for text, tokenizer in calls:
        encode(made([text]), tokenizer, tmp_path)
    assert len(list(tmp_path.glob("[!.]*"))) == len(calls)


@pytest.mark.parametrize("damage", ["report.json", "tokens"])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, damage: str) -> None:
    whole = encode(made(["some text"]), Bytes(), tmp_path)[:].tolist()
    (file,) = tmp_path.glob(f"*/{damage}")
    file.write_bytes(file.read_bytes()[:-2])
    assert encode(made(["some text"]), Bytes(), tmp_path)[:].tolist() == whole


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> Iterator[str]:
        yield "text"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(Documents("interrupted", interrupted, lambda: "sum"), Bytes(), tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_what_cannot_be_encoded_or_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mine\.txt: no token to train on; give more text"):
        encode(made(["", ""], "mine.txt"), Bytes(), tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(
        DataError, match=r"cannot write tokens under .*file: .*; free some space there, or choose another"
    ):
        encode(made(["text"]), Bytes(), tmp_path / "file")


def test_encoding_takes_memory_for_a_few_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 10_000)
    lines = "".join(f"line {number} of many\n" for number in range(400))
    large = streamed("large", lambda: cut_at_lines(lines for _ in range(300)), lambda: "")
    tracemalloc.start()
    found = encode(large, Bytes(), tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 300 * len(lines) > 2_000_000
    assert peak < 1_000_000


def test_a_stream_is_not_loaded(tmp_path: Path) -> None:
    count = 1 << 32
    (tmp_path / "report.json").write_text(json.dumps({"tokens": count, "dtype": "uint16"}), encoding="utf-8")
    with (tmp_path / "tokens").open("wb") as file:
        file.truncate(2 * count)  # takes no room on the disk
        file.seek(2 * count - 8)
        file.write(np.array([5, 6, 7, 8], np.uint16).tobytes())
    tracemalloc.start()
    stream = TokenStream(tmp_path)
    random = Windows(stream, context=64, batch_tokens=640, seed=1, chunks="random")
    batches = [batch for _, batch in islice(random.stream(), 20)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(stream), stream[count - 4 :].tolist()) == (count, [5, 6, 7, 8])
    assert all(batch.labels.shape == (10, 64) for batch in batches)
    assert peak < 5_000_000


@pytest.mark.parametrize("chunks", CHUNKS)
@given(length=st.integers(2, 80), context=st.integers(1, 30), rows=st.integers(1, 5), seed=st.integers(0, 99))
def test_every_row_is_a_slice_of_the_stream_and_predicts_what_follows(
    cache: Path, chunks: Chunks, length: int, context: int, rows: int, seed: int
) -> None:
    stream = _numbers(cache, length)
    made = Windows(stream, context=context, batch_tokens=rows * context, seed=seed, chunks=chunks)
    for _, batch in islice(made.stream(), 12):
        found = list(_rows(batch))
        for tokens, labels in found:
            place = tokens[0] - 4
            assert tokens == stream[place : place + len(tokens)].tolist()
            assert labels == stream[place + 1 : place + 1 + len(tokens)].tolist()
            assert chunks == "packed" or len(tokens) == min(context, length - 1)
        assert batch.labels.shape[1] == min(context, length - 1)
        assert len(found) <= rows
        assert batch.tokens == batch.filled == sum(len(labels) for _, labels in found)
        assert batch.padded == batch.labels.numel() <= max(rows * context, context)


@given(length=st.integers(2, 90), context=st.integers(1, 40), rows=st.integers(1, 5), epoch=st.integers(0, 2))
def test_an_epoch_of_packed_windows_predicts_every_token_but_the_first_once(
    cache: Path, length: int, context: int, rows: int, epoch: int
) -> None:
    stream = _numbers(cache, length)
    packed = Windows(stream, context=context, batch_tokens=rows * context, seed=3, chunks="packed")
    in_order = list(windows(stream, context=context, batch_tokens=rows * context))
    for batches in (_epoch(packed, epoch), in_order):
        seen = Counter(label for batch in batches for _, labels in _rows(batch) for label in labels)
        assert seen == Counter(stream[1:].tolist())
        assert sum(batch.tokens for batch in batches) == length - 1
        assert all(len(batch.labels) == rows for batch in batches[:-1])
    assert [token for batch in in_order for tokens, _ in _rows(batch) for token in tokens] == stream[:-1].tolist()


def test_windows_of_an_array_are_those_of_a_stream(cache: Path) -> None:
    stream = _numbers(cache, 50)
    expected = [_key(batch) for batch in windows(stream, context=7, batch_tokens=21)]
    assert [_key(batch) for batch in windows(stream[:], context=7, batch_tokens=21)] == expected


@pytest.mark.parametrize("chunks", CHUNKS)
def test_a_stream_from_a_place_is_the_tail_of_the_whole(cache: Path, chunks: Chunks) -> None:
    stream = _numbers(cache, 400)

    def batches(start: Place = BEGINNING) -> Iterator[tuple[Place, Batch]]:
        return Windows(stream, context=8, batch_tokens=40, seed=1, chunks=chunks).stream(start)

    whole = list(islice(batches(), 30))
    assert {place.epoch for place, _ in whole} == ({0} if chunks == "random" else {0, 1, 2})
    assert whole[0][0] == BEGINNING
    for index, (place, _) in enumerate(whole[1:], 1):
        before = whole[index - 1][0]
        for start in (place, before._replace(index=before.index + 1)):
            found = list(islice(batches(start), len(whole) - index))
            assert [place for place, _ in found] == [place for place, _ in whole[index:]]
            assert [_key(batch) for _, batch in found] == [_key(batch) for _, batch in whole[index:]]


@pytest.mark.parametrize("chunks", CHUNKS)
def test_the_seed_alone_decides_the_batches(cache: Path, chunks: Chunks) -> None:
    stream = _numbers(cache, 400)
    one, again, other = (
        [_key(batch) for _, batch in islice(made.stream(), 10)]
        for made in (Windows(stream, context=8, batch_tokens=40, seed=seed, chunks=chunks) for seed in (1, 1, 2))
    )
    assert one == again
    assert one != other


def test_epochs_differ(cache: Path) -> None:
    packed = Windows(_numbers(cache, 400), context=8, batch_tokens=40, seed=1, chunks="packed")
    assert [_key(batch) for batch in _epoch(packed, 0)] != [_key(batch) for batch in _epoch(packed, 1)]


def test_random_offsets_are_uniform_from_end_to_end(cache: Path) -> None:
    random = Windows(_numbers(cache, 14), context=4, batch_tokens=400, seed=1, chunks="random")
    starts = Counter(tokens[0] - 4 for _, batch in islice(random.stream(), 50) for tokens, _ in _rows(batch))
    assert sorted(starts) == list(range(10))
    assert all(400 < count < 600 for count in starts.values())


def test_less_than_two_tokens_leave_nothing_to_predict(tmp_path: Path) -> None:
    stream = encode(made(["a"]), Bytes(), tmp_path)
    for chunks in CHUNKS:
        with pytest.raises(DataError, match="a text of 1 tokens leaves nothing to predict; give more text"):
            Windows(stream, context=8, batch_tokens=40, seed=1, chunks=chunks)
    with pytest.raises(DataError, match="leaves nothing to predict"):
        windows(stream, context=8, batch_tokens=40)
