"""Documents of running text: read whole or in pieces, and the part of them that is held out to judge on."""

from __future__ import annotations

import functools
import hashlib
import io
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any

from seq2seq.data.corpora import SplitName, choose

Piece = tuple[str, bool]  # some of a document, and whether it is the last of it

WHOLE_DOCUMENTS = 20  # held out, where there are this many or more; else the tail of each
TAIL_SHARE = 20  # one line in this many, for each of dev and test
_PIECE = 1 << 20  # characters


@dataclass(frozen=True)
class Documents:
    """One split: documents that can be read any number of times, and where they are from.

    `read` has each as one text, whole in memory. `pieces` reads the same without that, where `streamed` says how.
    """

    origin: str
    read: Callable[[], Iterator[str]]
    checksum: Callable[[], str]
    streamed: Callable[[], Iterator[Piece]] | None = None

    def record(self) -> dict[str, Any]:
        """For the run's record."""
        return {"origin": self.origin, "sha256": self.checksum()}

    def pieces(self) -> Iterator[Piece]:
        """The documents in order, each in one piece or more, cut where `cut_at_lines` does."""
        if self.streamed is not None:
            return self.streamed()
        return chain.from_iterable(cut_at_lines(lines_of(document)) for document in self.read())


def streamed(origin: str, pieces: Callable[[], Iterator[Piece]], checksum: Callable[[], str]) -> Documents:
    """Documents that are at hand in pieces."""

    def read() -> Iterator[str]:
        for _, parts in by_document(pieces()):
            yield "".join(text for text, _ in parts)

    return Documents(origin, read, functools.cache(checksum), pieces)


def by_document(pieces: Iterable[Piece]) -> Iterator[tuple[int, Iterator[Piece]]]:
    """The pieces of each document, to be read before the next one is asked for, and its number, counted from 0."""

    def numbered() -> Iterator[tuple[int, Piece]]:
        number = 0
        for piece in pieces:
            yield number, piece
            number += piece[1]

    return ((number, map(itemgetter(1), parts)) for number, parts in groupby(numbered(), itemgetter(0)))


def lines_of(text: str) -> Iterator[str]:
    """The lines of a text, each with its `\\n`; the last one may have none."""
    return io.StringIO(text, newline="\n")


def cut_at_lines(lines: Iterable[str]) -> Iterator[Piece]:
    """A document in pieces of about a million characters, for tokenizers that see one at a time; at least one piece.

    Cut between a line that ends with a visible character and one that begins with a letter or a digit, where no
    tokenizer that keeps line ends joins the two; after any line where the next million characters have no such place.
    """
    held: list[str] = []
    size = 0
    for line in lines:
        if size >= _PIECE and (_apart(held[-1], line) or size >= 2 * _PIECE):
            yield "".join(held), False
            held, size = [], 0
        held.append(line)
        size += len(line)
    yield "".join(held), True


def _apart(line: str, after: str) -> bool:
    return len(line) > 1 and not line[-2].isspace() and after[:1].isalnum()


def hold_out(documents: Documents, splits: Sequence[SplitName] = ("dev", "test")) -> dict[SplitName, Documents]:
    """Hold text out for each of `splits`; the rest is `train`.

    Of 20 documents or more, about 2 % for each split (one at least, about 2,000 at most), chosen by content: their
    order plays no part, and equal ones stay together. Of fewer, the last 5 % of each document's lines (one at least)
    for the last split, and as many before them for the one before it; a document of too few lines is all `train`.
    """

    @functools.cache
    def surveyed() -> tuple[array[int], array[int]]:
        return _survey(documents.pieces())

    @functools.cache
    def chosen() -> dict[int, SplitName]:
        return choose((fingerprint for fingerprint in surveyed()[0] if fingerprint), splits)

    def pieces(split: SplitName) -> Iterator[Piece]:
        fingerprints, lines = surveyed()
        whole = len(lines) >= WHOLE_DOCUMENTS
        for number, parts in by_document(documents.pieces()):
            if not whole:
                yield from _between(parts, *_bounds(lines[number], split, splits))
            elif chosen().get(fingerprints[number], "train") == split:
                yield from parts

    def part(split: SplitName) -> Documents:
        described = f"{split} part, {' and '.join(splits)} held out"
        return streamed(
            f"{documents.origin} ({described})",
            lambda: pieces(split),
            lambda: hashlib.sha256(f"{documents.checksum()} {described}".encode()).hexdigest(),
        )

    return {split: part(split) for split in ("train", *splits)}


def _survey(pieces: Iterable[Piece]) -> tuple[array[int], array[int]]:
    """Of each document a fingerprint, 0 where it is blank, and how many lines it has."""
    fingerprints, lines = array("Q"), array("Q")
    for _, parts in by_document(pieces):
        digest = hashlib.blake2b(digest_size=8)
        blank, ended, last = True, 0, ""
        for text, _ in parts:
            digest.update(text.encode("utf-8", "surrogatepass"))
            blank = blank and not text.strip()
            ended += text.count("\n")
            last = text[-1:]
        fingerprints.append(0 if blank else int.from_bytes(digest.digest()))
        lines.append(ended + (last not in ("", "\n")))
    return fingerprints, lines


def _bounds(lines: int, split: SplitName, splits: Sequence[SplitName]) -> tuple[int, int]:
    """Which of a document's lines are a split's: [start, end)."""
    tail = max(1, lines // TAIL_SHARE)
    rest = lines - tail * len(splits)
    if split == "train":
        return 0, rest if rest > 0 else lines
    start = rest + tail * splits.index(split)
    return (start, start + tail) if rest > 0 else (0, 0)


def _between(parts: Iterable[Piece], start: int, end: int) -> Iterator[Piece]:
    """Some lines of a document as a document; nothing where there are none."""
    if start == end:
        return iter(())
    return cut_at_lines(islice((line for text, _ in parts for line in lines_of(text)), start, end))
