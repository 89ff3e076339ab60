"""The filters of pairs, in their order.

A filter is a class with the `name` of its value in the recipe's section, and a method `takes`; `filters` says when it
is on.
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

    name: str

    def takes(self, pair: Pair) -> bool:
        """Whether a pair, which no earlier filter took, is dropped. A filter may remember the pairs that it saw."""


def filters(cleaning: Cleaning, source_language: str, target_language: str) -> Iterator[Filter]:
    """New filters, those that are on."""
    languages = source_language, target_language
    if cleaning.blank:
        yield Blank()
    if cleaning.damaged:
        yield Damaged()
    if cleaning.min_characters:
        yield AtLeast("min_characters", len, cleaning.min_characters)
    if cleaning.min_words:
        yield AtLeast("min_words", words, cleaning.min_words)
    if cleaning.max_characters:
        yield AtMost("max_characters", len, cleaning.max_characters)
    if cleaning.max_words:
        yield AtMost("max_words", words, cleaning.max_words)
    if cleaning.max_ratio:
        yield MaxRatio(cleaning.max_ratio, *languages)
    if cleaning.min_letters:
        yield MinLetters(cleaning.min_letters)
    if cleaning.max_other_script:
        yield MaxOtherScript(cleaning.max_other_script, *languages)
    if cleaning.identical:
        yield Identical(cleaning.identical)
    if cleaning.max_repeats:
        yield MaxRepeats(cleaning.max_repeats)
    if cleaning.placeholders:
        yield Placeholders()
    if cleaning.numbers:
        yield Numbers()
    if cleaning.language:
        yield OtherLanguage(cleaning.language, *languages)
    if cleaning.duplicates:
        yield Duplicates()
    if cleaning.near_duplicates:
        yield NearDuplicates()
    if cleaning.max_per_side:
        yield MaxPerSide(cleaning.max_per_side)
