"""Documents of running text: read whole or in pieces, and the part of them that is held out to judge on."""

from __future__ import annotations

import functools
import hashlib
import io
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any

from seq2seq.data.corpora import Chosen, SplitName, choose, part_checksum

Piece = tuple[str, bool]  # some of a document, and whether it is the last of it

WHOLE_DOCUMENTS = 20  # held out, where there are this many or more; else the tail of each
TAIL_SHARE = 20  # one line in this many, for each of dev and test
_PIECE = 1 << 20  # characters
_APART = re.compile(r"\S\n(?=[^\W_])")


@dataclass(frozen=True)
class Documents:
    """One split: documents that can be read any number of times, and where they are from.

    `read` has each as one text, whole in memory. `pieces` reads the same without that, where `streamed` says how.
    `checksum` is of what is read, whatever it is read from; `files` has the checksums of the files.
    """

    origin: str
    read: Callable[[], Iterator[str]]
    checksum: Callable[[], str]
    streamed: Callable[[], Iterator[Piece]] | None = None
    files: Callable[[], str] | None = None

    def record(self) -> dict[str, Any]:
        """For the run's record."""
        return {"origin": self.origin, "sha256": (self.files or self.checksum)(), "content": self.checksum()}

    def pieces(self) -> Iterator[Piece]:
        """The documents in order, each in one piece or more, cut where `cut_at_lines` does."""
        if self.streamed is not None:
            return self.streamed()
        return chain.from_iterable(cut_at_lines([document]) for document in self.read())


def streamed(
    origin: str,
    pieces: Callable[[], Iterator[Piece]],
    checksum: Callable[[], str],
    files: Callable[[], str] | None = None,
) -> Documents:
    """Documents that are at hand in pieces."""

    def read() -> Iterator[str]:
        for _, parts in by_document(pieces()):
            yield "".join(text for text, _ in parts)

    return Documents(origin, read, functools.cache(checksum), pieces, files)


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


def cut_at_lines(blocks: Iterable[str], size: int | None = None) -> Iterator[Piece]:
    """A document, given in blocks of whole lines, in pieces of about `size` (a million) characters, for tokenizers.

    Cut between a line that ends with a visible character and one that begins with a letter or a digit, where no
    tokenizer that keeps line ends joins the two; after any line where the next `size` characters have no such place.
    There is one piece at least.
    """
    held, size = "", size or _PIECE
    for block in blocks:
        held += block
        start = 0
        while end := _cut(held, start, size):
            yield held[start:end], False
            start = end
        held = held[start:]
    yield held, True


def _cut(text: str, start: int, size: int) -> int:
    """Where the piece that starts at a place of a text ends; 0 as long as only more text can tell."""
    apart = _APART.search(text, max(start, start + size - 2))
    line_end = text.find("\n", start + 2 * size - 1) + 1
    ends = [apart.end()] if apart else []
    if 0 < line_end < len(text):
        ends.append(line_end)
    return min(ends, default=0)


def hold_out(documents: Documents, splits: Sequence[SplitName] = ("dev", "test")) -> dict[SplitName, Documents]:
    """Hold text out for each of `splits`; the rest is `train`.

    Of 20 documents or more that differ, about 2 % for each split (one at least, about 2,000 at most), chosen by
    content: their order plays no part, and equal ones stay together. Of fewer, the last 5 % of each document's lines
    (one at least) for the last split, and as many before them for the one before it; a document of too few lines is all
    `train`.
    """

    @functools.cache
    def surveyed() -> tuple[array[int], array[int]]:
        return _survey(documents.pieces())

    @functools.cache
    def chosen() -> Chosen | None:
        """None where lines of each document are held out."""
        fingerprints = surveyed()[0]
        blank = fingerprints.count(0)
        found = choose((fingerprint for fingerprint in fingerprints if fingerprint), splits)
        return found if found.distinct + blank >= WHOLE_DOCUMENTS else None

    def pieces(split: SplitName) -> Iterator[Piece]:
        fingerprints, lines = surveyed()
        whole = chosen()
        for number, parts in by_document(documents.pieces()):
            if whole is None:
                yield from _between(parts, *_bounds(lines[number], split, splits))
            elif whole.splits.get(fingerprints[number], "train") == split:
                yield from parts

    def held_out() -> list[tuple[int, SplitName]]:
        whole = chosen()
        return sorted(whole.splits.items()) if whole else []

    def otherwise() -> str:
        whole = chosen()
        if whole is None:
            return ", of each" if len(surveyed()[0]) >= WHOLE_DOCUMENTS else ""
        return whole.otherwise

    def part(split: SplitName) -> Documents:
        described = f"{split} part, {' and '.join(splits)} held out"
        return streamed(
            f"{documents.origin} ({described})",
            lambda: pieces(split),
            lambda: part_checksum(documents.checksum(), described, TAIL_SHARE, held_out()),
            lambda: part_checksum((documents.files or documents.checksum)(), f"{described}{otherwise()}"),
        )

    return {split: part(split) for split in ("train", *splits)}


def _survey(pieces: Iterable[Piece]) -> tuple[array[int], array[int]]:
    """Of each document a fingerprint, 0 where it is blank, and how many lines it has."""
    fingerprints, lines = array("Q"), array("Q")
    for _, parts in by_document(pieces):
        digest, blank, count = hashlib.blake2b(digest_size=8), True, 0
        for text, _ in parts:
            digest.update(text.encode("utf-8", "surrogatepass"))
            blank = blank and (not text or text.isspace())
            count += _line_count(text)
        fingerprints.append(0 if blank else int.from_bytes(digest.digest()))
        lines.append(count)
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
    return cut_at_lines(_lines_between(parts, start, end)) if start < end else iter(())


def _lines_between(parts: Iterable[Piece], start: int, end: int) -> Iterator[str]:
    line = 0
    for text, _ in parts:
        after = line + _line_count(text)
        if start <= line and after <= end:
            yield text
        elif line < end and after > start:
            yield "".join(islice(lines_of(text), max(0, start - line), end - line))
        if after >= end:
            return
        line = after


def _line_count(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n") and bool(text))
