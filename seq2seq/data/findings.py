"""What an audit finds in a corpus of any kind: how often, and where first, as JSON values. Digests are kept, not texts,
so that a corpus may have any size."""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import regex

EXAMPLES = 3
_JOINERS = r"\u200c\u200d"
_ODD = regex.compile(
    rf"[[\p{{C}}\ufffd]--[{_JOINERS}]]|(?<![^\x00-\x7f\p{{Latin}}\p{{Greek}}\p{{Cyrillic}}])[{_JOINERS}]", regex.V1
)

JsonObject = dict[str, Any]  # of JSON
Located = Iterable[tuple[Any, Any]]  # records with their places, or lines with theirs
# Of a place, what is there, and the place that it repeats or None: an example.
Show = Callable[[Any, Any, Any], JsonObject]


@dataclass(frozen=True)
class Audit:
    """What `seqx data check` reports."""

    report: JsonObject
    title: str
    figures: list[tuple[str, ...]]  # rows of a table: a label, a value for each split
    remarks: list[str]  # lines with examples

    @property
    def splits(self) -> list[str]:
        """The names of the splits."""
        return [split["name"] for split in self.report["splits"]]


class RecordPlace(NamedTuple):
    """The place of a record: its source, and its number there, counted from 1 (the line, in files of lines)."""

    origin: str
    line: int


class Finding:
    """How many records or lines have it, and the first few of them."""

    def __init__(self, show: Show) -> None:
        self.count = 0
        self._examples: list[JsonObject] = []
        self._show = show

    def add(self, place: Any, item: Any, other: Any = None) -> None:
        """Count what is at a place and repeats what is at another one; show it where it is one of the first."""
        self.count += 1
        if len(self._examples) < EXAMPLES:
            self._examples.append(self._show(place, item, other))

    def report(self) -> JsonObject:
        """The finding so far."""
        return {"count": self.count, "examples": self._examples}


def cell(value: Any) -> str:
    """The value of a report in a table."""
    if isinstance(value, dict):
        return f"{value['count']:,}"
    return f"{sum(each['count'] for each in value):,}" if isinstance(value, list) else f"{value:,}"


def character(of: str, count: int, first: Any) -> JsonObject:
    """A character, how often it occurs, and where first."""
    return {"code_point": ord(of), "name": unicodedata.name(of, "no name"), "count": count, "first": first._asdict()}


def odd_character(split: str, odd: Mapping[str, Any], where: str) -> str:
    """The remark on an odd character that is first found in a place."""
    code = f"U+{odd['code_point']:04X} {odd['name']}"
    return f"  {split}, odd character {code}: {odd['count']:,}, first at {where}"


def odd_characters(text: str) -> list[str]:
    """The characters that are rare in normal text: controls, private and unassigned ones, U+FFFD, and those without
    width, except joiners where a script or an emoji needs them."""
    return _ODD.findall(text) if not text.isprintable() or "\ufffd" in text else []


def first_places(train: Located, held_out: Located, keys: Callable[[Any], Iterable[Any]]) -> dict[Any, Any]:
    """Of all keys of what is held out, the first places in the training text."""
    known = {key for _, item in held_out for key in keys(item)}
    first: dict[Any, Any] = {}
    for place, item in train:
        for key in keys(item):
            if key in known:
                first.setdefault(key, place)
    return first


def also_in_train(items: Located, key: Callable[[Any], Any], first: Mapping[Any, Any], show: Show) -> JsonObject:
    """Items whose key is among those of `first_places`."""
    finding = Finding(show)
    for place, item in items:
        if (other := first.get(key(item))) is not None:
            finding.add(place, item, other)
    return finding.report()


def repeated(digests: array[int], items: Located, show: Show) -> JsonObject:
    """Items whose digest occurred before; they are read again as far as the examples need it."""
    count, few = repeats(digests)
    needed: Container[int] = {index for pair in few for index in pair}
    kept: dict[int, tuple[Any, Any]] = {}
    for index, item in enumerate(items) if few else ():
        if index in needed:
            kept[index] = item
        if index == few[-1][0]:
            break
    return {"count": count, "examples": [show(*kept[index], kept[first][0]) for index, first in few]}


def repeats(digests: array[int]) -> tuple[int, list[tuple[int, int]]]:
    """How many digests occurred before; of the first few, their index and that of their first occurrence."""
    values = np.array(digests, np.uint64)
    order = np.argsort(values, kind="stable").astype(np.uint32)  # equal digests keep the order of the text
    again = values[order[1:]] == values[order[:-1]]
    few = np.sort(order[1:][again])[:EXAMPLES].tolist()
    return int(again.sum()), [(index, int(np.flatnonzero(values == values[index])[0])) for index in few]
