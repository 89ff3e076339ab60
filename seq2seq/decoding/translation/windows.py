"""Windows of a text: lines that are translated together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

MOST_CHARACTERS = 1 << 20  # of a window, where they are of more than one line


class Window(NamedTuple):
    """Lines of a text that are translated together."""

    first: int  # number of the first one in the whole text, from 0
    lines: Sequence[str]


def windows_of(lines: Iterable[str], most: int) -> Iterator[list[str]]:
    """Lines in windows that grow up to `most` lines, and end with `MOST_CHARACTERS`."""
    window: list[str] = []
    characters, size = 0, min(16, most)
    for line in lines:
        window.append(line)
        characters += len(line)
        if len(window) == size or characters >= MOST_CHARACTERS:
            yield window
            window, characters, size = [], 0, min(2 * size, most)
    if window:
        yield window


def numbered(windows: Iterable[Sequence[str]]) -> Iterator[Window]:
    """Groups of the lines of one text, with the numbers of their first lines."""
    first = 0
    for lines in windows:
        yield Window(first, lines)
        first += len(lines)
