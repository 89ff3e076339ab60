"""Filters by the form of the sides: their length, their characters, what they repeat."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from operator import eq

from seq2seq.data.characters import is_blank
from seq2seq.data.languages import writes_blanks
from seq2seq.data.pairs import Pair

_LOST = re.compile("[\ufffd\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_ADDED = 10  # to both lengths before they are compared: of short sides one may well be twice as long
_LONGEST_PART = 3  # words that are repeated together


class Blank:
    """A side without a visible character."""

    def takes(self, pair: Pair) -> bool:
        """Whether a side is blank."""
        return is_blank(pair[0]) or is_blank(pair[1])


class Damaged:
    """A side of which something was lost: U+FFFD, or control characters."""

    def takes(self, pair: Pair) -> bool:
        """Whether a side has such a character."""
        return any((not side.isprintable() and _LOST.search(side)) or "\ufffd" in side for side in pair)


class AtLeast:
    """A side that is too short."""

    def __init__(self, measure: Callable[[str], int], least: int) -> None:
        self._measure, self._least = measure, least

    def takes(self, pair: Pair) -> bool:
        """Whether a side measures less than the least."""
        return min(map(self._measure, pair)) < self._least


class AtMost:
    """A side that is too long."""

    def __init__(self, measure: Callable[[str], int], most: int) -> None:
        self._measure, self._most = measure, most

    def takes(self, pair: Pair) -> bool:
        """Whether a side measures more than the most."""
        return max(map(self._measure, pair)) > self._most


class MaxRatio:
    """Sides of which one is far longer: in characters, or in bytes where a language is written without blanks."""

    def __init__(self, most: float, source_language: str, target_language: str) -> None:
        self._most = most
        spaced = writes_blanks(source_language) and writes_blanks(target_language)
        self._measure: Callable[[str], int] = len if spaced else _bytes

    def takes(self, pair: Pair) -> bool:
        """Whether the ratio of the lengths, 10 added to each, is over the most."""
        source, target = map(self._measure, pair)
        return max(source, target) + _ADDED > self._most * (min(source, target) + _ADDED)


class MinLetters:
    """A side of figures, punctuation and symbols."""

    def __init__(self, least: float) -> None:
        self._least = least

    def takes(self, pair: Pair) -> bool:
        """Whether letters are less than the least share of a side's visible characters."""
        return any(map(self._has_few, pair))

    def _has_few(self, side: str) -> bool:
        parts = _parts(side)
        visible = sum(map(len, parts))
        if sum(map(len, filter(str.isalpha, parts))) >= self._least * visible:  # a quick check
            return False
        return sum(map(str.isalpha, side)) < self._least * visible


class MaxRepeats:
    """A side that repeats one to three words in succession, as the other does not."""

    def __init__(self, most: int) -> None:
        self._most = most

    def takes(self, pair: Pair) -> bool:
        """Whether one side alone has a part more often than the most."""
        source, target = (self._repeats(_parts(side)) for side in pair)
        return source != target

    def _repeats(self, parts: list[str]) -> bool:
        if len(parts) - len(set(parts)) < self._most:
            return False
        # A part of n words is repeated where n words in succession equal those n words before them.
        return any(
            b"\1" * (size * self._most) in bytes(map(eq, parts, parts[size:])) for size in range(1, _LONGEST_PART + 1)
        )


def words(side: str) -> int:
    """The number of words, separated by blanks."""
    return len(_parts(side))


@functools.lru_cache(maxsize=4)  # the two sides of a pair, for each of the filters
def _parts(side: str) -> list[str]:
    return side.split()


def _bytes(side: str) -> int:
    return len(side.encode("utf-8", "surrogatepass"))
