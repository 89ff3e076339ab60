"""What is odd about a corpus, found in one pass over it: digests are kept, never texts, so its size does not matter."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from seq2seq.data.corpora import SPLITS, Corpus, Pair, SplitName, Text
from seq2seq.data.encoded import fold

EXAMPLES = 3
_ODD_RATIO = 4.0
_STEPS = 64  # length ratios are counted in 64 steps a doubling: percentiles are true to about 1 %
_ODD_KINDS = ("Cc", "Co", "Cn", "Cs")


@dataclass(frozen=True)
class Place:
    """Where a pair stands: the text it is from, and its number there, counted from 1 (the line, in files of lines)."""

    origin: str
    line: int


@dataclass(frozen=True)
class Example:
    """A pair that shows a finding; `other` is the place that it repeats, where there is one."""

    place: Place
    source: str
    target: str
    other: Place | None = None


@dataclass(frozen=True)
class Finding:
    """How many pairs show it, and the first few of them."""

    count: int = 0
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Character:
    """A control, private or unassigned character or U+FFFD, how often it occurs, and the pair where it does first."""

    code_point: int
    name: str
    count: int
    first: Place


@dataclass(frozen=True)
class Ratio:
    """Characters of the target over characters of the source, over pairs without a blank side: median, 1 % and 99 %."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Longest:
    """The longest side in characters, and its place."""

    characters: int
    place: Place


@dataclass(frozen=True)
class SplitAudit:
    """One split, alone."""

    name: SplitName
    origins: tuple[str, ...]
    pairs: int
    source_words: int
    target_words: int
    blank: Finding  # a side without a visible character
    duplicates: Finding  # both sides as in an earlier pair of the split
    copied: Finding  # source and target are the same text
    odd_ratio: Finding  # one side over 4 times as long as the other, in characters
    characters: tuple[Character, ...]  # by code point
    ratio: Ratio | None  # None where every pair has a blank side
    longest_source: Longest | None  # None where there is no pair
    longest_target: Longest | None


@dataclass(frozen=True)
class Overlap:
    """Pairs of dev or test with a side that also stands in train, judged by letters and digits, as in encoding."""

    name: SplitName
    source: Finding
    target: Finding


@dataclass(frozen=True)
class Audit:
    """What `seqx data check` reports."""

    corpus: str
    splits: tuple[SplitAudit, ...]
    overlaps: tuple[Overlap, ...]


def audit(corpus: Corpus, progress: Callable[[int], None] = lambda pairs: None) -> Audit:
    """Look at every pair of a corpus; `progress` hears of pairs read so far. Raises DataError: unreadable text."""
    texts: dict[SplitName, tuple[Text, ...]] = {"train": corpus.train, "dev": (corpus.dev,), "test": (corpus.test,)}
    held_out = (corpus.dev, corpus.test)
    wanted = tuple({fold(pair[side]) for text in held_out for pair in text.read()} - {b""} for side in (0, 1))
    standing: tuple[dict[bytes, Place], dict[bytes, Place]] = ({}, {})
    read = 0
    splits = []
    for name in SPLITS:
        tally = _Tally()
        for place, pair in _numbered(texts[name]):
            tally.add(place, pair)
            if name == "train":
                for side in (0, 1):
                    key = fold(pair[side])
                    if key in wanted[side]:
                        standing[side].setdefault(key, place)
            read += 1
            if read % 10_000 == 0:
                progress(read)
        splits.append(tally.finish(name, texts[name]))
    progress(read)
    overlaps = tuple(
        Overlap(name, *(_overlap(_numbered(texts[name]), side, standing[side]) for side in (0, 1)))
        for name in SPLITS[1:]
    )
    return Audit(corpus.name, tuple(splits), overlaps)


def _numbered(texts: Iterable[Text]) -> Iterator[tuple[Place, Pair]]:
    for text in texts:
        for line, pair in enumerate(text.read(), start=1):
            yield Place(text.origin, line), pair


def _overlap(pairs: Iterable[tuple[Place, Pair]], side: int, standing: dict[bytes, Place]) -> Finding:
    found = _Found()
    for place, pair in pairs:
        other = standing.get(fold(pair[side]))
        if other is not None:
            found.add(place, pair, other)
    return found.finding()


@dataclass
class _Found:
    count: int = 0
    examples: list[Example] = field(default_factory=list)

    def add(self, place: Place, pair: Pair, other: Place | None = None) -> None:
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(Example(place, *pair, other))

    def finding(self) -> Finding:
        return Finding(self.count, tuple(self.examples))


class _Tally:
    """Counts of one split, pair by pair."""

    def __init__(self) -> None:
        self._words = [0, 0]
        self._longest: list[Longest | None] = [None, None]
        self._blank, self._copied, self._odd_ratio = _Found(), _Found(), _Found()
        self._characters: dict[str, tuple[int, Place]] = {}
        self._ratios: Counter[int] = Counter()
        self._digests = array("Q")

    def add(self, place: Place, pair: Pair) -> None:
        source, target = (side.strip() for side in pair)
        self._digests.append(_digest(pair))
        for index, side in enumerate(pair):
            self._words[index] += len(side.split())
            longest = self._longest[index]
            if longest is None or len(side) > longest.characters:
                self._longest[index] = Longest(len(side), place)
            if not side.isprintable() or "\ufffd" in side:
                self._add_characters(place, side)
        if not source or not target:
            self._blank.add(place, pair)
            return
        if source == target:
            self._copied.add(place, pair)
        ratio = len(target) / len(source)
        self._ratios[round(math.log2(ratio) * _STEPS)] += 1
        if max(ratio, 1 / ratio) > _ODD_RATIO:
            self._odd_ratio.add(place, pair)

    def _add_characters(self, place: Place, side: str) -> None:
        for character in side:
            if is_odd(character):
                count, first = self._characters.get(character, (0, place))
                self._characters[character] = (count + 1, first)

    def finish(self, name: SplitName, texts: tuple[Text, ...]) -> SplitAudit:
        return SplitAudit(
            name=name,
            origins=tuple(text.origin for text in texts),
            pairs=len(self._digests),
            source_words=self._words[0],
            target_words=self._words[1],
            blank=self._blank.finding(),
            duplicates=self._duplicates(texts),
            copied=self._copied.finding(),
            odd_ratio=self._odd_ratio.finding(),
            characters=tuple(
                Character(ord(character), unicodedata.name(character, "no name"), count, first)
                for character, (count, first) in sorted(self._characters.items())
            ),
            ratio=self._ratio(),
            longest_source=self._longest[0],
            longest_target=self._longest[1],
        )

    def _duplicates(self, texts: tuple[Text, ...]) -> Finding:
        count, few = repeats(self._digests)
        wanted = {index for both in few for index in both}
        places: dict[int, tuple[Place, Pair]] = {}
        if few:
            for index, (place, pair) in enumerate(_numbered(texts)):
                if index in wanted:
                    places[index] = (place, pair)
                if index == few[-1][0]:
                    break
        examples = (Example(*_flat(places[index]), other=places[first][0]) for index, first in few)
        return Finding(count, tuple(examples))

    def _ratio(self) -> Ratio | None:
        if not self._ratios:
            return None
        steps = sorted(self._ratios)
        reached = np.cumsum([self._ratios[step] for step in steps])
        low, median, high = (
            2 ** (steps[int(np.searchsorted(reached, share * reached[-1]))] / _STEPS) for share in (0.01, 0.5, 0.99)
        )
        return Ratio(median, low, high)


def repeats(digests: array[int]) -> tuple[int, list[tuple[int, int]]]:
    """How many of some digests stood before; of the first few their index, and that of the first one like them."""
    values = np.array(digests, np.uint64)
    order = np.argsort(values, kind="stable").astype(np.uint32)  # equal digests keep the order of the text
    again = values[order[1:]] == values[order[:-1]]
    few = np.sort(order[1:][again])[:EXAMPLES].tolist()
    return int(again.sum()), [(index, int(np.flatnonzero(values == values[index])[0])) for index in few]


def is_odd(character: str) -> bool:
    """Whether text for people seldom has it: a control, private or unassigned character, or U+FFFD."""
    return character == "\ufffd" or unicodedata.category(character) in _ODD_KINDS


def _flat(found: tuple[Place, Pair]) -> tuple[Place, str, str]:
    place, (source, target) = found
    return place, source, target


def _digest(pair: Pair) -> int:
    return int.from_bytes(hashlib.blake2b("\n".join(pair).encode("utf-8", "surrogatepass"), digest_size=8).digest())
