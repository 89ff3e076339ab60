"""Which words of two texts differ."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import NamedTuple

import regex

# Words, single characters where words are not parted by blanks, marks, and the blanks between them.
_WORDS = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\p{M}*|[\p{L}\p{M}\p{N}_]+|\s+|."
)
_LONGEST = 2000  # characters of a text that is compared


class ComparedPiece(NamedTuple):
    """A part of a text, and whether the other text lacks it."""

    text: str
    differs: bool


def differences(one: str, other: str) -> tuple[list[ComparedPiece], list[ComparedPiece]]:
    """The pieces of two texts; joined they are the texts. Very long texts are not compared."""
    if max(len(one), len(other)) > _LONGEST:
        return [ComparedPiece(one, False)], [ComparedPiece(other, False)]
    words = [_WORDS.findall(text) for text in (one, other)]
    folded = [[word.casefold() if not word.isspace() else " " for word in each] for each in words]
    marks = [[True] * len(each) for each in words]
    for block in SequenceMatcher(None, folded[0], folded[1], autojunk=False).get_matching_blocks():
        for side, start in enumerate((block.a, block.b)):
            marks[side][start : start + block.size] = [False] * block.size
    return _joined(words[0], marks[0]), _joined(words[1], marks[1])


def _joined(words: Sequence[str], marks: Sequence[bool]) -> list[ComparedPiece]:
    """Neighbours of one kind together; a blank alone is not a difference."""
    kinds = [mark and not word.isspace() for word, mark in zip(words, marks)]
    groups = groupby(zip(kinds, words), key=lambda each: each[0])
    return [ComparedPiece("".join(word for _, word in group), differs) for differs, group in groups]
