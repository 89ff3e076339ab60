"""What is odd about sentence pairs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seq2seq.data.audit import Longest, Tally, look_at
from seq2seq.data.corpus import Corpus, Source, SplitName
from seq2seq.data.findings import Character, Finding, Place
from seq2seq.data.pairs import Pair, PairKind, PairSource
from seq2seq.data.verdicts import PairExample, Verdict, judge

_ODD_RATIO = 4.0
_STEPS = 64  # length ratios are counted in 64 steps a doubling: percentiles are true to about 1 %


@dataclass(frozen=True)
class Ratio:
    """Characters of the target over characters of the source, over pairs without a blank side: median, 1 % and 99 %."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class PairSplit:
    """One split, alone."""

    name: SplitName
    origins: tuple[str, ...]
    pairs: int
    source_words: int
    target_words: int
    blank: Finding[PairExample]  # a side that shows nothing
    duplicates: Finding[PairExample]  # both sides as in an earlier pair of the split
    copied: Finding[PairExample]  # source and target are the same text
    odd_ratio: Finding[PairExample]  # one side over 4 times as long as the other, in characters
    characters: tuple[Character[Place], ...]  # by code point
    ratio: Ratio | None  # None where every pair has a blank side
    longest_source: Longest | None  # None where there is no pair
    longest_target: Longest | None


@dataclass(frozen=True)
class PairOverlap:
    """Pairs of dev or test with a side that also stands in train, in whatever form, as in encoding."""

    name: SplitName
    source: Finding[PairExample]
    target: Finding[PairExample]


@dataclass(frozen=True)
class PairAudit:
    """What `seqx data check` reports of sentence pairs."""

    corpus: str
    splits: tuple[PairSplit, ...]
    overlaps: tuple[PairOverlap, ...]
    verdicts: tuple[Verdict, ...] = ()


def audit_pairs(corpus: Corpus[PairSource], kind: PairKind) -> PairAudit:
    """Look at every pair of a corpus, and give verdicts. Raises DataError: unreadable text."""
    splits, overlaps = look_at(corpus, kind)
    # Of held-out text, the one that it is part of: there, lines stand beside their neighbours.
    whole = [source.whole or source for sources in corpus.splits().values() for source in sources]
    return PairAudit(
        corpus.name,
        splits,
        tuple(PairOverlap(name, *findings) for name, findings in overlaps.items()),
        tuple(
            verdict
            for source in {id(source): source for source in whole}.values()
            for verdict in judge(source, kind.data.source, kind.data.target)
        ),
    )


class PairTally(Tally[Pair]):
    """Counts of one split, pair by pair."""

    def __init__(self, kind: PairKind) -> None:
        super().__init__(kind)
        self._ratios: Counter[int] = Counter()

    def show(self, place: Place, record: Pair, other: Place | None) -> PairExample:
        """A pair as an example of a finding."""
        return PairExample(place, *record, other)

    def look(self, place: Place, record: Pair, shown: Sequence[str]) -> None:
        """Compare the sides of a pair."""
        source, target = shown
        if source == target:
            self.findings["copied"].add(place, record)
        ratio = len(target) / len(source)
        self._ratios[round(math.log2(ratio) * _STEPS)] += 1
        if max(ratio, 1 / ratio) > _ODD_RATIO:
            self.findings["odd ratio"].add(place, record)

    def finish(self, name: SplitName, sources: Sequence[Source[Pair]]) -> PairSplit:
        """The counts, of these sources."""
        return PairSplit(
            name=name,
            origins=tuple(source.origin for source in sources),
            pairs=len(self.digests),
            source_words=self.words[0],
            target_words=self.words[1],
            blank=self.blank.finding(),
            duplicates=self.duplicates(sources),
            copied=self.findings["copied"].finding(),
            odd_ratio=self.findings["odd ratio"].finding(),
            characters=self.characters(),
            ratio=self._ratio(),
            longest_source=self.longest[0],
            longest_target=self.longest[1],
        )

    def _ratio(self) -> Ratio | None:
        if not self._ratios:
            return None
        steps = sorted(self._ratios)
        reached = np.cumsum([self._ratios[step] for step in steps])
        low, median, high = (
            2 ** (steps[int(np.searchsorted(reached, share * reached[-1]))] / _STEPS) for share in (0.01, 0.5, 0.99)
        )
        return Ratio(median, low, high)
