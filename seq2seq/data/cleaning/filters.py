"""The filters of pairs, in their order.

A filter is a class with a method `takes`; `filters` says when it is on, and its name: that of its value in the recipe's
section.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from seq2seq.data.cleaning.agreement import Identical, Numbers, Placeholders
from seq2seq.data.cleaning.form import AtLeast, AtMost, Blank, Damaged, MaxRatio, MaxRepeats, MinLetters, words
from seq2seq.data.cleaning.language import MaxOtherScript, OtherLanguage
from seq2seq.data.cleaning.repetition import Duplicates, MaxPerSide, NearDuplicates
from seq2seq.data.pairs import Pair
from seq2seq.recipe import Cleaning


class Filter(Protocol):
    """One reason to drop a pair."""

    def takes(self, pair: Pair) -> bool:
        """Whether a pair, which no earlier filter took, is dropped. A filter may remember the pairs that it saw."""


def filters(cleaning: Cleaning, source_language: str, target_language: str) -> Iterator[tuple[str, Filter]]:
    """New filters with their names, those that are on."""
    languages = source_language, target_language
    if cleaning.blank:
        yield "blank", Blank()
    if cleaning.damaged:
        yield "damaged", Damaged()
    if cleaning.min_characters:
        yield "min_characters", AtLeast(len, cleaning.min_characters)
    if cleaning.min_words:
        yield "min_words", AtLeast(words, cleaning.min_words)
    if cleaning.max_characters:
        yield "max_characters", AtMost(len, cleaning.max_characters)
    if cleaning.max_words:
        yield "max_words", AtMost(words, cleaning.max_words)
    if cleaning.max_ratio:
        yield "max_ratio", MaxRatio(cleaning.max_ratio, *languages)
    if cleaning.min_letters:
        yield "min_letters", MinLetters(cleaning.min_letters)
    if cleaning.max_other_script:
        yield "max_other_script", MaxOtherScript(cleaning.max_other_script, *languages)
    if cleaning.identical:
        yield "identical", Identical(cleaning.identical)
    if cleaning.max_repeats:
        yield "max_repeats", MaxRepeats(cleaning.max_repeats)
    if cleaning.placeholders:
        yield "placeholders", Placeholders()
    if cleaning.numbers:
        yield "numbers", Numbers()
    if cleaning.language:
        yield "language", OtherLanguage(cleaning.language, *languages)
    if cleaning.duplicates:
        yield "duplicates", Duplicates()
    if cleaning.near_duplicates:
        yield "near_duplicates", NearDuplicates()
    if cleaning.max_per_side:
        yield "max_per_side", MaxPerSide(cleaning.max_per_side)
