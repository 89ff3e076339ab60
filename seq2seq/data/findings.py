"""What an audit finds in a corpus of any kind: how often, and where first. Digests are kept, not texts, so that a
corpus may have any size."""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import numpy as np
import regex

EXAMPLES = 3
_JOINERS = r"\u200c\u200d"
_ODD = regex.compile(
    rf"[[\p{{C}}\ufffd]--[{_JOINERS}]]|(?<![^\x00-\x7f\p{{Latin}}\p{{Greek}}\p{{Cyrillic}}])[{_JOINERS}]", regex.V1
)

Where = TypeVar("Where")  # the place of a record, or of a line of a document
Item = TypeVar("Item")  # a record, or a line
Example = TypeVar("Example")
Show = Callable[[Where, Item, Where | None], Example]  # an item at a place, and the place that it repeats


@dataclass(frozen=True)
class Place:
    """The place of a record: its source, and its number there, counted from 1 (the line, in files of lines)."""

    origin: str
    line: int


@dataclass(frozen=True)
class RecordExample:
    """The texts of a record that shows a finding; `other` is the place that it repeats, where there is one."""

    place: Place
    texts: tuple[str, ...]
    other: Place | None = None


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a text, in how many of its records, and the first of them."""

    kind: Literal["misaligned", "unrelated", "swapped", "placeholders", "numbers"]
    origin: str
    message: str
    count: int
    examples: tuple[RecordExample, ...]


@dataclass(frozen=True)
class Finding(Generic[Example]):
    """How many records or lines have it, and the first few of them."""

    count: int = 0
    examples: tuple[Example, ...] = ()


class FindingCounter(Generic[Where, Item, Example]):
    """Counts the records or lines of a finding."""

    def __init__(self, show: Show[Where, Item, Example]) -> None:
        self.count = 0
        self.examples: list[Example] = []
        self._show = show

    def add(self, place: Where, item: Item, other: Where | None = None) -> None:
        """Count an item, and keep it where it is one of the first."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(self._show(place, item, other))

    def finding(self) -> Finding[Example]:
        """The finding so far."""
        return Finding(self.count, tuple(self.examples))


@dataclass(frozen=True)
class Character(Generic[Where]):
    """A character, how often it occurs, and where first."""

    code_point: int
    name: str
    count: int
    first: Where


def character(of: str, count: int, first: Where) -> Character[Where]:
    """A character with its name."""
    return Character(ord(of), unicodedata.name(of, "no name"), count, first)


def odd_characters(text: str) -> list[str]:
    """The characters that are rare in normal text: controls, private and unassigned ones, U+FFFD, and those without
    width, except joiners where a script or an emoji needs them."""
    return _ODD.findall(text) if not text.isprintable() or "\ufffd" in text else []


def also_in_train(
    items: Iterable[tuple[Where, Item]],
    key: Callable[[Item], bytes],
    in_train: Mapping[bytes, Where],
    show: Show[Where, Item, Example],
) -> Finding[Example]:
    """Items whose key has a place in the training text, by `in_train`."""
    counter = FindingCounter(show)
    for place, item in items:
        other = in_train.get(key(item))
        if other is not None:
            counter.add(place, item, other)
    return counter.finding()


def repeated(
    digests: array[int], items: Iterable[tuple[Where, Item]], show: Show[Where, Item, Example]
) -> Finding[Example]:
    """Items whose digest occurred before; they are read again as far as the examples need it."""
    count, few = repeats(digests)
    needed: Container[int] = {index for pair in few for index in pair}
    kept: dict[int, tuple[Where, Item]] = {}
    for index, item in enumerate(items) if few else ():
        if index in needed:
            kept[index] = item
        if index == few[-1][0]:
            break
    return Finding(count, tuple(show(*kept[index], kept[first][0]) for index, first in few))


def repeats(digests: array[int]) -> tuple[int, list[tuple[int, int]]]:
    """How many digests occurred before; of the first few, their index and that of their first occurrence."""
    values = np.array(digests, np.uint64)
    order = np.argsort(values, kind="stable").astype(np.uint32)  # equal digests keep the order of the text
    again = values[order[1:]] == values[order[:-1]]
    few = np.sort(order[1:][again])[:EXAMPLES].tolist()
    return int(again.sum()), [(index, int(np.flatnonzero(values == values[index])[0])) for index in few]
