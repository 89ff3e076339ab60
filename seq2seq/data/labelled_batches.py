"""Texts with labels as token ids on disk, and batches of them that are pure functions of (seed, place)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seq2seq.data.batches import Batch, ChunkedBatches, TokenSequence, pad_sources
from seq2seq.data.cache import find_or_build, map_file, report_of, token_type, write_report, write_through
from seq2seq.data.cutting import cut
from seq2seq.data.folding import fold
from seq2seq.data.labelled import LabelledSource
from seq2seq.data.labelled_rows import Rows, tokens_of
from seq2seq.data.order import Shuffled
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.errors import DataError

_FORMAT = 1
_CHUNK = 5000  # texts encoded at a time


class RowCollator(Rows):
    """Rows, and batches of them."""

    def collate(self, rows: Sequence[TokenSequence], labels: Sequence[int]) -> Batch:
        """Rows as inputs tokens (B, S) and mask (B, 1, 1, S) or None; labels (B,)."""
        tokens, mask, filled = pad_sources(rows)
        return Batch(
            (tokens, mask), torch.tensor(labels, dtype=torch.long), len(rows), padded=tokens.numel(), filled=filled
        )


class EncodedTexts:
    """N records of token sequences and classes in memory-mapped files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.report = report_of(folder)
        self._texts: int = self.report["texts_of_each"]
        maps = [map_file(folder / name) for name in ("offsets", "tokens", "labels")]
        self._offsets: NDArray[np.int64] = np.frombuffer(maps[0], np.int64)
        self._tokens: NDArray[Any] = np.frombuffer(maps[1], np.dtype(self.report["dtype"]))
        self.labels: NDArray[np.int32] = np.frombuffer(maps[2], np.int32)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> list[NDArray[Any]]:
        """The tokens of each text of a record, without BOS and EOS."""
        start = index * self._texts
        bounds = self._offsets[start : start + self._texts + 1]
        return [self._tokens[one:other].copy() for one, other in pairwise(bounds)]


def encode(
    source: LabelledSource,
    classes: Sequence[str],
    tokenizers: Tokenizers,
    cache: Path,
    *,
    max_length: int,
    held_out: Sequence[LabelledSource] = (),
    also: Sequence[Path] = (),
    say: Callable[[str], None] = lambda message: None,
) -> EncodedTexts:
    """Encode texts, or find them encoded, in `cache` or in `also`, which are only read.

    Dropped, counted by reason in `report`: texts blank or without a label; texts that are also in `held_out`, in any
    form (`fold`). Raises DataError: text that cannot be read, no text left, a cache that cannot be written.
    """
    checksums = (text.checksum() for text in (source, *held_out))
    folder = find_or_build(
        (f"classes {_FORMAT} {max_length}", *classes, *checksums, tokenizers.source.serialise()[1]),
        lambda partial: _write(partial, source, classes, tokenizers, max_length, held_out),
        cache,
        also=also,
        say=say,
    )
    return EncodedTexts(folder)


def _write(
    folder: Path,
    source: LabelledSource,
    classes: Sequence[str],
    tokenizers: Tokenizers,
    max_length: int,
    held_out: Sequence[LabelledSource],
) -> None:
    seen = {tuple(map(fold, record.texts)) for text in held_out for record in text.read()}
    number_of = {name: number for number, name in enumerate(classes)}
    dropped: Counter[str] = Counter()
    counts = [0] * len(classes)
    read = end = texts_of_each = too_long = 0
    kind = token_type(tokenizers.source.size)
    files = [(folder / name).open("wb") for name in ("offsets", "tokens", "labels")]
    files[0].write(np.zeros(1, np.int64).tobytes())
    records = source.read()
    while chunk := list(islice(records, _CHUNK)):
        read += len(chunk)
        ends: list[int] = []
        flat: list[int] = []
        labels: list[int] = []
        for record, texts in zip(chunk, tokens_of(tokenizers, [record.texts for record in chunk])):
            texts_of_each = len(texts)
            if not record.label or not all(texts):
                dropped["blank or without a label"] += 1
                continue
            if tuple(map(fold, record.texts)) in seen:
                dropped["in dev or test"] += 1
                continue
            too_long += sum(map(len, texts)) > max_length
            for text in texts:
                flat += text[:max_length]
                end += min(len(text), max_length)
                ends.append(end)
            labels.append(number_of[record.label])
            counts[labels[-1]] += 1
        parts: list[NDArray[Any]] = [np.array(ends, np.int64), np.array(flat, kind), np.array(labels, np.int32)]
        for file, part in zip(files, parts):
            file.write(part.tobytes())
    write_through(*files)
    for file in files:
        file.close()
    reasons = dict(sorted(dropped.items()))
    if not sum(counts):
        why = ", ".join(f"{reason}: {count:,}" for reason, count in reasons.items()) or "there is none"
        raise DataError(f"no text is left of {source.origin} ({why}); give more text")
    write_report(
        folder,
        {
            "read": read,
            "kept": sum(counts),
            "dropped": reasons,
            "cut": too_long,
            "classes": dict(zip(classes, counts)),
            "tokens": end,
            "texts_of_each": texts_of_each,
            "dtype": kind.name,
        },
    )


class LabelledBatches(ChunkedBatches):
    """The endless sequence of training batches over encoded texts: each chunk of a shuffled epoch is sorted by length,
    cut by a budget of padded tokens, and its batches shuffled. `sampling` > 0 re-segments the texts, and `dropout`
    > 0 leaves out tokens (word dropout, Iyyer et al., 2015), each with that probability; one stays. Both
    are seeded by (seed, epoch, chunk)."""

    def __init__(
        self,
        encoded: EncodedTexts,
        tokenizers: Tokenizers,
        layout: RowCollator,
        *,
        batch_tokens: int,
        seed: int,
        sampling: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(Shuffled(len(encoded), seed), batch_tokens=batch_tokens, seed=seed)
        self._encoded = encoded
        self._tokenizer = tokenizers.source
        self._layout = layout
        self._sampling = sampling
        self._dropout = dropout

    def chunk(self, indices: NDArray[np.uint32], epoch: int, number: int, skipped: int) -> Iterator[Batch]:
        """The batches of a chunk but for the first `skipped`."""
        texts: list[Sequence[TokenSequence]] = [self._encoded[int(index)] for index in indices]
        generator = np.random.default_rng((self._seed, epoch, number))
        if self._sampling:
            texts = self._sampled(texts, int(generator.integers(2**32)))
        if self._dropout:
            texts = [[_thinned(text, self._dropout, generator) for text in each] for each in texts]
        rows = [self._layout.row(each) for each in texts]
        lengths = np.array([len(row) for row in rows])
        order = np.argsort(lengths, kind="stable")
        bounds = cut(lengths[order], self._batch_tokens)
        generator.shuffle(bounds)
        for start, end in bounds[skipped:]:
            chosen = order[start:end]
            yield self._layout.collate(
                [rows[i] for i in chosen], [int(self._encoded.labels[indices[i]]) for i in chosen]
            )

    def _sampled(self, texts: Sequence[Sequence[TokenSequence]], seed: int) -> list[Sequence[TokenSequence]]:
        sides = []
        for side in zip(*texts):
            plain = self._tokenizer.decode([[int(token) for token in tokens] for tokens in side])
            sampled = self._tokenizer.sample(plain, self._sampling, seed)
            sides.append([new or old for new, old in zip(sampled, side)])
        return [list(each) for each in zip(*sides)]


def _thinned(tokens: TokenSequence, share: float, generator: np.random.Generator) -> TokenSequence:
    """Tokens without a share of them, chosen at random; one is left."""
    kept = generator.random(len(tokens)) >= share
    if not kept.any():
        kept[generator.integers(len(tokens))] = True
    return np.asarray(tokens)[kept]
