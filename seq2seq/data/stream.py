"""Running text as one memory-mapped stream of token ids, and its windows for training and evaluating a language model.

B rows, T tokens per row. Of each window the first T tokens are read and the last T predicted.
"""

from __future__ import annotations

import io
import math
import mmap
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from seq2seq.data.batches import Batch, BatchSource, Place, mask_of
from seq2seq.data.cache import find_or_build, map_file, release, report_of, token_type, write_report, write_through
from seq2seq.data.documents import Documents
from seq2seq.data.tokenizer import EOS, PAD, UNKNOWN, Tokenizer
from seq2seq.errors import DataError

_FORMAT = 2


class TokenStream:
    """All tokens of a split, one after another, in a memory-mapped file; only what is being read is resident."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.report = report_of(folder)
        self._map = map_file(folder / "tokens")
        self._tokens: NDArray[Any] = np.frombuffer(self._map, np.dtype(self.report["dtype"]))

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, part: slice) -> NDArray[Any]:
        """Some of the tokens, uint16 or uint32; a view of the file, not to be written to."""
        return self._tokens[part]

    def advise_random(self) -> None:
        """Tell the kernel that access is random, so that it does not read ahead, megabytes on some machines."""
        if hasattr(self._map, "madvise"):  # not on Windows
            self._map.madvise(mmap.MADV_RANDOM)

    def release(self) -> None:
        """Let the system reclaim the memory of what was read."""
        release(self._map)


def encode(
    documents: Documents,
    tokenizer: Tokenizer,
    cache: Path,
    *,
    also: Sequence[Path] = (),
    say: Callable[[str], None] = lambda message: None,
) -> TokenStream:
    """Encode documents piece by piece, or find them encoded, in `cache` or in `also`, which are only read.

    Where there is more than one document, each ends with EOS. The report counts documents and, over all of them,
    characters, UTF-8 bytes, tokens and UNKNOWN; documents without a character do not count. Raises DataError: text
    that cannot be read, no token in it, a cache that cannot be written.
    """
    suffix, model = tokenizer.serialise()
    folder = find_or_build(
        (f"stream {_FORMAT}", documents.checksum(), suffix, model),
        lambda partial: _write(partial, documents, tokenizer),
        cache,
        also=also,
        say=say,
    )
    return TokenStream(folder)


def in_memory(documents: Documents, tokenizer: Tokenizer) -> tuple[NDArray[Any], dict[str, Any]]:
    """The tokens of documents and their report, as of `encode`, without a cache on disk."""
    file = io.BytesIO()
    report = _encode(file, documents, tokenizer)
    return np.frombuffer(file.getbuffer(), report["dtype"]), report


class Windows(BatchSource):
    """The endless sequence of training batches over a stream, each a pure function of (seed, place).

    `random`: rows start anywhere, in one endless epoch. `packed`: windows are consecutive in the stream, the last token
    of one the first of the next, and are shuffled by (seed, epoch): an epoch predicts every
    token but the first once. Its last window is padded, its last batch may have fewer rows. T is `context`, or the
    length of a shorter stream. Raises DataError where there is nothing to predict.
    """

    def __init__(
        self, stream: TokenStream, *, context: int, batch_tokens: int, seed: int, chunks: Literal["random", "packed"]
    ) -> None:
        self._stream = stream
        self._length = _row_length(stream, context)
        self._rows = max(1, batch_tokens // context)
        self._seed = seed
        self._batches = self._random if chunks == "random" else self._packed
        stream.advise_random()

    def stream(self, start: Place = Place()) -> Iterator[tuple[Place, Batch]]:  # noqa: B008 (immutable)
        """Endless batches with their places, from a place on."""
        return self._batches(start)

    def _random(self, start: Place) -> Iterator[tuple[Place, Batch]]:
        index = start.index
        while True:
            generator = np.random.default_rng((self._seed, index))
            starts = generator.integers(len(self._stream) - self._length, size=self._rows)
            yield Place(0, 0, index), self._batch(starts)
            index += 1

    def _packed(self, start: Place) -> Iterator[tuple[Place, Batch]]:
        epoch, _, skipped = start
        while True:
            order = np.arange(-(-(len(self._stream) - 1) // self._length), dtype=np.uint32)
            np.random.default_rng((self._seed, epoch)).shuffle(order)
            for index in range(skipped, -(-len(order) // self._rows)):
                chosen = order[index * self._rows : (index + 1) * self._rows]
                yield Place(epoch, 0, index), self._batch(chosen.astype(np.int64) * self._length)
            epoch, skipped = epoch + 1, 0

    def _batch(self, starts: NDArray[np.int64]) -> Batch:
        batch = _collate([(self._stream, start) for start in starts.tolist()], self._length)
        self._stream.release()
        return batch


class MixedWindows(BatchSource):
    """Windows of several streams, each by its share of the rows, in one endless epoch: a batch is a pure function of
    (seed, place). `random` and `packed` as in `Windows`; each stream has epochs of its own. A row of a stream that is
    shorter than T is padded."""

    def __init__(
        self,
        streams: Sequence[TokenStream],
        shares: Sequence[float],
        *,
        context: int,
        batch_tokens: int,
        seed: int,
        chunks: Literal["random", "packed"],
    ) -> None:
        self._streams, self._shares, self._seed = streams, shares, seed
        self._lengths = [_row_length(stream, context) for stream in streams]
        self._rows = max(1, batch_tokens // context)
        self._starts = self._random if chunks == "random" else self._packed
        for stream in streams:
            stream.advise_random()

    def stream(self, start: Place = Place()) -> Iterator[tuple[Place, Batch]]:  # noqa: B008 (immutable)
        """Endless batches with their places, from a place on."""
        for index in count(start.index):
            yield Place(0, 0, index), self._batch(index)

    def _batch(self, index: int) -> Batch:
        before, after = (divided(batches * self._rows, self._shares) for batches in (index, index + 1))
        rows = [
            (self._streams[number], int(start))
            for number, (first, last) in enumerate(zip(before, after))
            for start in self._starts(number, first, last)
        ]
        batch = _collate(rows, max(self._lengths))
        for stream in self._streams:
            stream.release()
        return batch

    def _random(self, number: int, first: int, last: int) -> NDArray[np.int64]:
        generator = np.random.default_rng((self._seed, number, first))
        return generator.integers(len(self._streams[number]) - self._lengths[number], size=last - first)

    def _packed(self, number: int, first: int, last: int) -> NDArray[np.int64]:
        size = -(-(len(self._streams[number]) - 1) // self._lengths[number])
        chosen = [np.empty(0, np.int64)]
        for epoch in range(first // size, -(-last // size)):
            order = np.random.default_rng((self._seed, number, epoch)).permutation(size)
            chosen.append(order[max(first - epoch * size, 0) : last - epoch * size])
        return np.concatenate(chosen) * self._lengths[number]


def divided(count: int, shares: Sequence[float]) -> list[int]:
    """How many of the first `count` rows are of each part, by shares that are 1 in all; no number falls as `count`
    grows."""
    counts, left = [], 1.0
    for share in shares[:-1]:
        rest = math.floor(count * max(0.0, left - share) / left + 0.5) if left > share else 0
        counts.append(count - rest)
        count, left = rest, left - share
    return [*counts, count]


def windows(tokens: TokenStream | NDArray[Any], *, context: int, batch_tokens: int) -> Iterator[Batch]:
    """All of some text in order, for evaluation, in windows as `packed` has them: every token but the first is
    predicted once. Raises DataError where there is nothing to predict.
    """
    length = _row_length(tokens, context)
    rows = max(1, batch_tokens // context)
    starts = range(0, len(tokens) - 1, length)
    return (
        _collate([(tokens, start) for start in starts[first : first + rows]], length)
        for first in range(0, len(starts), rows)
    )


def _row_length(tokens: TokenStream | NDArray[Any], context: int) -> int:
    if len(tokens) < 2:
        raise DataError(f"a text of {len(tokens)} tokens leaves nothing to predict; give more text")
    return min(context, len(tokens) - 1)


def _collate(rows: Sequence[tuple[TokenStream | NDArray[Any], int]], length: int) -> Batch:
    """Windows of `length` tokens, given the stream of each and where it starts there."""
    inputs = np.full((len(rows), length), PAD, np.int64)
    labels = np.full((len(rows), length), PAD, np.int64)
    counts = np.zeros(len(rows), np.int64)
    for row, (stream, start) in enumerate(rows):
        window = stream[start : start + length + 1]
        count = len(window) - 1
        inputs[row, :count] = window[:-1]
        labels[row, :count] = window[1:]
        counts[row] = count
    tokens, mask = int(counts.sum()), mask_of(counts, length)
    return Batch((torch.from_numpy(inputs),), torch.from_numpy(labels), tokens, inputs.size, tokens, mask)


def _write(folder: Path, documents: Documents, tokenizer: Tokenizer) -> None:
    with (folder / "tokens").open("wb") as file:
        report = _encode(file, documents, tokenizer)
        write_through(file)
    write_report(folder, report)


def _encode(file: IO[bytes], documents: Documents, tokenizer: Tokenizer) -> dict[str, Any]:
    counts = dict.fromkeys(("documents", "characters", "bytes", "tokens", "unknown"), 0)
    kind = token_type(tokenizer.size)
    begun = False
    for text, ends in documents.pieces():
        if text and not begun:
            if counts["documents"]:
                _put(file, np.array([EOS], kind), counts)
            counts["documents"] += 1
        begun = (begun or bool(text)) and not ends
        counts["characters"] += len(text)
        counts["bytes"] += len(text.encode("utf-8", "surrogatepass"))
        _put(file, np.asarray(tokenizer.encode([text])[0], kind), counts)
    if counts["documents"] > 1:
        _put(file, np.array([EOS], kind), counts)
    if not counts["tokens"]:
        raise DataError(f"{documents.origin}: no token to train on; give more text")
    return {**counts, "dtype": kind.name}


def _put(file: IO[bytes], tokens: NDArray[Any], counts: dict[str, int]) -> None:
    file.write(tokens.tobytes())
    counts["tokens"] += len(tokens)
    counts["unknown"] += int(np.count_nonzero(tokens == UNKNOWN))
