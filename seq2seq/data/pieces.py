"""Documents in pieces, cut where no tokenizer joins two lines, so that none is whole in memory."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter

Piece = tuple[str, bool]  # a part of a document, and whether it is the last

PIECE = 1 << 20  # characters
_APART = re.compile(r"\S\n(?=[^\W_])")


def by_document(pieces: Iterable[Piece]) -> Iterator[tuple[int, Iterator[Piece]]]:
    """The number of each document, counted from 0, with its pieces, which must be read before the next document."""

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
    There is at least one piece.
    """
    held, size = "", size or PIECE
    for block in blocks:
        held += block
        start = 0
        while end := _cut(held, start, size):
            yield held[start:end], False
            start = end
        held = held[start:]
    yield held, True


def _cut(text: str, start: int, size: int) -> int:
    """The end of the piece that starts at a place of a text; 0 where more text is needed to decide."""
    apart = _APART.search(text, max(start, start + size - 2))
    line_end = text.find("\n", start + 2 * size - 1) + 1
    ends = [apart.end()] if apart else []
    if 0 < line_end < len(text):
        ends.append(line_end)
    return min(ends, default=0)


def between(parts: Iterable[Piece], start: int, end: int) -> Iterator[Piece]:
    """Some lines of a document as a document; empty where there are none."""
    return cut_at_lines(_lines_between(parts, start, end)) if start < end else iter(())


def _lines_between(parts: Iterable[Piece], start: int, end: int) -> Iterator[str]:
    line = 0
    for text, _ in parts:
        after = line + line_count(text)
        if start <= line and after <= end:
            yield text
        elif line < end and after > start:
            yield "".join(islice(lines_of(text), max(0, start - line), end - line))
        if after >= end:
            return
        line = after


def line_count(text: str) -> int:
    """How many lines a text has; the last one may lack its end."""
    return text.count("\n") + (not text.endswith("\n") and bool(text))
