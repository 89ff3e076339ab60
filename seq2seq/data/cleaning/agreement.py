"""Filters by what the sides have in common: too much, or too little."""

from __future__ import annotations

import re

from seq2seq.data.cleaning.likeness import likeness
from seq2seq.data.invariants import long_numbers, placeholders
from seq2seq.data.pairs import Pair

_ALIKE = 0.2  # by which share the lengths of equal texts may differ, in punctuation and blanks
_ROLE_TARGET = re.compile(r"<[^<>`]*>(?=`)")  # of reStructuredText, `shown text <target>`: the text is translated
_DIGITS = re.compile(r"\d")


class Identical:
    """Sides that are the same text, which nobody translated; names and other short texts may be equal."""

    def __init__(self, least: int) -> None:
        self._least = least

    def takes(self, pair: Pair) -> bool:
        """Whether the sides have so many characters, and the same letters."""
        shorter, longer = sorted(map(len, pair))
        if shorter < self._least or longer > shorter * (1 + _ALIKE):
            return False
        source, target = map(likeness, pair)
        return source == target


class Placeholders:
    """Sides that differ in their placeholders, tags or addresses."""

    def takes(self, pair: Pair) -> bool:
        """Whether a placeholder is not as often on the other side; addresses are counted, not compared."""
        source, target = (placeholders(_ROLE_TARGET.sub("", side) if "`" in side else side) for side in pair)
        return source != target


class Numbers:
    """Sides that differ in their numbers of three or more digits."""

    def takes(self, pair: Pair) -> bool:
        """Whether the digits of a number are not on the other side. A round number may be words there, and a year may
        be its last two digits."""
        source, target = map(long_numbers, pair)
        return source != target and (_lacks(pair[1], source) or _lacks(pair[0], target))


def _lacks(side: str, numbers: dict[str, int]) -> bool:
    digits = "".join(str(int(digit)) for digit in _DIGITS.findall(side))
    return any(
        not (number in digits or number.endswith("00") or (len(number) == 4 and number[2:] in digits))
        for number in numbers
    )
