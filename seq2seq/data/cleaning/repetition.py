"""Filters of pairs, and of sides, that come again. Digests of 8 bytes are kept, not texts."""

from __future__ import annotations

from array import array

from seq2seq.data.cleaning.likeness import likeness
from seq2seq.data.hold_out import fingerprint
from seq2seq.data.pairs import Pair

_FIRST_SIZE = 1 << 10


class Counts:
    """How often each digest was added: a hash table of 12 bytes per place, of which at most two in three are taken."""

    def __init__(self) -> None:
        self._taken = 0
        self._digests = array("Q", bytes(8 * _FIRST_SIZE))
        self._counts = array("I", bytes(4 * _FIRST_SIZE))

    def add(self, digest: int) -> int:
        """Count a digest; returns how often it was added before."""
        digest = digest or 1  # 0 is a free place
        place = self._place(digest)
        before = self._counts[place]
        self._digests[place] = digest
        self._counts[place] = min(before + 1, 0xFFFF_FFFF)
        if not before:
            self._taken += 1
            if 3 * self._taken > 2 * len(self._digests):
                self._grow()
        return before

    def count(self, digest: int) -> int:
        """How often a digest was added."""
        return self._counts[self._place(digest or 1)]

    def _place(self, digest: int) -> int:
        digests = self._digests
        last = len(digests) - 1
        place = digest & last
        while digests[place] not in (0, digest):
            place = (place + 1) & last
        return place

    def _grow(self) -> None:
        digests, counts = self._digests, self._counts
        self._digests = array("Q", bytes(16 * len(digests)))
        self._counts = array("I", bytes(8 * len(digests)))
        for digest, count in zip(digests, counts):
            if count:
                place = self._place(digest)
                self._digests[place] = digest
                self._counts[place] = count


class Duplicates:
    """A pair that equals an earlier one."""

    def __init__(self) -> None:
        self._seen = Counts()

    def takes(self, pair: Pair) -> bool:
        """Whether the pair was there before."""
        return self._seen.add(fingerprint(*pair)) > 0


class NearDuplicates:
    """A pair that differs from an earlier one in case, punctuation, blanks or digits only."""

    def __init__(self) -> None:
        self._seen = Counts()

    def takes(self, pair: Pair) -> bool:
        """Whether such a pair was there before."""
        source, target = map(likeness, pair)
        return self._seen.add(source * 3 + target & 0xFFFF_FFFF_FFFF_FFFF) > 0


class MaxPerSide:
    """A pair whose source, or whose target, already has as many pairs as it may have."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._sources, self._targets = Counts(), Counts()

    def takes(self, pair: Pair) -> bool:
        """Whether a side has had the most pairs; sides that differ as near duplicates do are the same."""
        source, target = map(likeness, pair)
        if max(self._sources.count(source), self._targets.count(target)) >= self._most:
            return True
        self._sources.add(source)
        self._targets.add(target)
        return False
