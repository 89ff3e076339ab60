"""What is odd about a corpus, found in one pass over it: digests are kept, never texts, so its size does not matter."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import regex

from seq2seq.data.corpora import SPLITS, Corpus, Pair, SplitName, Text
from seq2seq.data.findings import EXAMPLES, Example, Finding, Found, Place
from seq2seq.data.folding import fold
from seq2seq.data.verdicts import Verdict, judge

_ODD_RATIO = 4.0
_STEPS = 64  # length ratios are counted in 64 steps a doubling: percentiles are true to about 1 %
_JOINERS = r"\u200c\u200d"
_ODD = regex.compile(
    rf"[[\p{{C}}\ufffd]--[{_JOINERS}]]|(?<![^\x00-\x7f\p{{Latin}}\p{{Greek}}\p{{Cyrillic}}])[{_JOINERS}]", regex.V1
)


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
    blank: Finding  # a side that shows nothing
    duplicates: Finding  # both sides as in an earlier pair of the split
    copied: Finding  # source and target are the same text
    odd_ratio: Finding  # one side over 4 times as long as the other, in characters
    characters: tuple[Character, ...]  # by code point
    ratio: Ratio | None  # None where every pair has a blank side
    longest_source: Longest | None  # None where there is no pair
    longest_target: Longest | None


@dataclass(frozen=True)
class Overlap:
    """Pairs of dev or test with a side that also stands in train, in whatever form, as in encoding."""

    name: SplitName
    source: Finding
    target: Finding


@dataclass(frozen=True)
class Audit:
    """What `seqx data check` reports."""

    corpus: str
    splits: tuple[SplitAudit, ...]
    overlaps: tuple[Overlap, ...]
    verdicts: tuple[Verdict, ...] = ()


def audit(
    corpus: Corpus, progress: Callable[[int], None] = lambda pairs: None, languages: tuple[str, str] | None = None
) -> Audit:
    """Look at every pair of a corpus; `progress` hears of pairs read so far. Where the `languages` of the sides are
    given, there are verdicts. Raises DataError: unreadable text."""
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
    # Of held-out text, the one that it is part of: there, lines stand beside their neighbours.
    whole = {id(text.whole or text): text.whole or text for part in texts.values() for text in part}
    verdicts = tuple(verdict for text in whole.values() for verdict in judge(text, *languages)) if languages else ()
    return Audit(corpus.name, tuple(splits), overlaps, verdicts)


def _numbered(texts: Iterable[Text]) -> Iterator[tuple[Place, Pair]]:
    for text in texts:
        for line, pair in text.numbered():
            yield Place(text.origin, line), pair


def _overlap(pairs: Iterable[tuple[Place, Pair]], side: int, standing: dict[bytes, Place]) -> Finding:
    found = Found()
    for place, pair in pairs:
        other = standing.get(fold(pair[side]))
        if other is not None:
            found.add(place, pair, other)
    return found.finding()


class _Tally:
    """Counts of one split, pair by pair."""

    def __init__(self) -> None:
        self._words = [0, 0]
        self._longest: list[Longest | None] = [None, None]
        self._blank, self._copied, self._odd_ratio = Found(), Found(), Found()
        self._characters: dict[str, tuple[int, Place]] = {}
        self._ratios: Counter[int] = Counter()
        self._digests = array("Q")

    def add(self, place: Place, pair: Pair) -> None:
        source, target = (side.strip() if side.isprintable() or fold(side) else "" for side in pair)
        self._digests.append(_digest(pair))
        for index, side in enumerate(pair):
            self._words[index] += len(side.split())
            longest = self._longest[index]
            if longest is None or len(side) > longest.characters:
                self._longest[index] = Longest(len(side), place)
            for character in odd_of(side):
                count, first = self._characters.get(character, (0, place))
                self._characters[character] = (count + 1, first)
        if not source or not target:
            self._blank.add(place, pair)
            return
        if source == target:
            self._copied.add(place, pair)
        ratio = len(target) / len(source)
        self._ratios[round(math.log2(ratio) * _STEPS)] += 1
        if max(ratio, 1 / ratio) > _ODD_RATIO:
            self._odd_ratio.add(place, pair)

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


def odd_of(text: str) -> list[str]:
    """The characters that text for people seldom has: controls, private and unassigned ones, U+FFFD, and what has no
    width, but for joiners where a script or an emoji needs them."""
    return _ODD.findall(text) if not text.isprintable() or "\ufffd" in text else []


def _flat(found: tuple[Place, Pair]) -> tuple[Place, str, str]:
    place, (source, target) = found
    return place, source, target


def _digest(pair: Pair) -> int:
    return int.from_bytes(hashlib.blake2b("\n".join(pair).encode("utf-8", "surrogatepass"), digest_size=8).digest())
