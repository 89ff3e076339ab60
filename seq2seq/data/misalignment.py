"""Whether the lines of two sides are aligned: judged in one pass, for any languages, by what translations share:
lengths, ends of sentences, names and numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.pairs import Pair

_MOST = 20  # maximum shift that is found, in lines
_CHUNK = 20_000  # pairs compared at a time
_LEAST = 20  # minimum lines that must fit elsewhere
_GAIN = 0.4  # how much better each of them must fit there; in real text, 0.5 and more
_ENOUGH = 200  # pairs that decide whether two texts are related at all
_SHARED = re.compile(r"\d+|[A-ZÀ-ÖØ-Þ][\w'’-]{2,}")
_ENDS = {end: kind for kind, ends in enumerate((".。।．۔", "?？؟", "!！", ":：", ",，、")) for end in ends}

# A line: log length, kind of end, shared words as bits of a number.
_LINE = np.dtype([("length", np.float64), ("end", np.int8), ("words", np.uint64)], align=True)
Side = NDArray[np.void]  # lines
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shift:
    """From line `start` to line `end`, counted from 1, source line i fits target line i + `by`; 0 where no line fits
    its own line better than others."""

    start: int
    end: int
    by: int


def shift(pairs: Iterable[Pair]) -> Shift | None:
    """Where the lines of two sides are misaligned; None where they are aligned, or too few to decide."""
    shifts = _Shifts()
    iterator = iter(pairs)
    while chunk := list(islice(iterator, _CHUNK)):
        source, target = (_side([pair[index].strip() for pair in chunk]) for index in (0, 1))
        shifts.add(source, target)
    return shifts.verdict()


def _side(lines: list[str]) -> Side:
    side = np.zeros(len(lines), _LINE)
    for number, line in enumerate(lines):
        bits = 0
        for word in _SHARED.findall(line):
            # Digits of any script.
            bits |= 1 << (crc32((str(int(word[:18])) if word.isdecimal() else word).encode()) & 63)
        side[number] = math.log(len(line) + 3), _ENDS.get(line[-1:], -1), bits
    return side


class _Shifts:
    """How much better lines fit their neighbours than their own line, summed over lines for every shift."""

    def __init__(self) -> None:
        self._by = [by for by in range(-_MOST, _MOST + 1) if by]
        count = len(self._by)
        self._held: tuple[Side, Side] | None = None  # lines whose neighbours are not read yet, and those before them
        self._lines = self._done = 0  # read; compared
        self._ratio = 0.0
        self._sum, self._squares = np.zeros(count), np.zeros(count)
        self._least, self._least_at = np.zeros(count), np.zeros(count, np.int64)  # of the sums so far
        self._best = np.zeros(count)  # the largest rise of a sum,
        self._from, self._to = np.zeros(count, np.int64), np.zeros(count, np.int64)  # and where

    def add(self, source: Side, target: Side) -> None:
        """Add the next lines."""
        if self._held is None:
            self._ratio = float(np.median(target["length"] - source["length"]))
            self._held = source, target
        else:
            self._held = np.concatenate((self._held[0], source)), np.concatenate((self._held[1], target))
        self._lines += len(source)
        self._compare(self._lines - _MOST)
        # Of the lines that were compared, the last few stay: they are neighbours.
        keep = min(len(self._held[0]), self._lines - self._done + _MOST)
        self._held = self._held[0][-keep:], self._held[1][-keep:]

    def verdict(self) -> Shift | None:
        """The verdict of the sums."""
        self._compare(self._lines)
        lines = self._done
        if lines < _LEAST:
            return None
        deviation = np.sqrt(np.maximum(self._squares / lines - (self._sum / lines) ** 2, 1e-9))
        length = np.maximum(self._to - self._from, 1)
        least = np.maximum(_LEAST, 2 * np.abs(self._by))
        much = (length >= least) & (self._best > _GAIN * length)
        surprise = np.where(much, self._best / (deviation * np.sqrt(length)), 0.0)
        # Unaligned text rises by chance, the more the longer it is.
        if surprise.max() > 3.6 + 0.22 * math.log(lines):
            best = int(surprise.argmax())
            return Shift(int(self._from[best]) + 1, int(self._to[best]), self._by[best])
        far = [index for index, by in enumerate(self._by) if abs(by) > _MOST // 2]
        known = -self._sum[far] / (deviation[far] * math.sqrt(lines))
        if lines >= _ENOUGH and np.median(known) < 2:
            return Shift(1, lines, 0)
        return None

    def _compare(self, until: int) -> None:
        """Compare the lines that were not compared yet, up to `until`, with their neighbours."""
        if self._held is None or until <= self._done:
            return
        source, target = self._held
        first = self._lines - len(source)  # the line that the held ones begin with
        rows = np.arange(self._done, until)
        own = _likeness(
            source[rows[0] - first : rows[-1] + 1 - first], target[rows[0] - first : rows[-1] + 1 - first], self._ratio
        )
        for index, by in enumerate(self._by):
            there = rows[(rows + by >= 0) & (rows + by < self._lines)]
            gain = np.zeros(len(rows))
            if len(there):
                part = slice(there[0] - first, there[-1] + 1 - first)
                other = slice(part.start + by, part.stop + by)
                inside = slice(there[0] - rows[0], there[-1] + 1 - rows[0])
                gain[inside] = _likeness(source[part], target[other], self._ratio) - own[inside]
            self._add_up(index, gain, int(rows[0]))
        self._done = until

    def _add_up(self, index: int, gain: Floats, first: int) -> None:
        sums = self._sum[index] + np.cumsum(gain)
        before = np.concatenate(([self._sum[index]], sums[:-1]))
        least = np.minimum.accumulate(np.concatenate(([self._least[index]], before)))
        new = before < least[:-1]
        at = np.maximum.accumulate(np.where(new, np.arange(first, first + len(gain)), self._least_at[index]))
        rise = sums - least[1:]
        top = int(rise.argmax())
        if rise[top] > self._best[index]:
            self._best[index], self._from[index], self._to[index] = rise[top], at[top], first + top + 1
        self._least[index], self._least_at[index] = least[-1], at[-1]
        self._squares[index] += float(gain @ gain)
        self._sum[index] = sums[-1]


def _likeness(source: Side, target: Side, ratio: float) -> Floats:
    """How well lines fit those of the same index."""
    lengths = -np.minimum(2 * np.abs(target["length"] - source["length"] - ratio), 3)
    one, other = source["words"], target["words"]
    shared = np.bitwise_count(one & other) / np.maximum(np.bitwise_count(one | other), 1)
    result: Floats = lengths + 0.7 * (source["end"] == target["end"]) + 2 * shared
    return result
