"""Lines cut into segments for the model, and the translations of segments joined to a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from seq2seq.data.characters import (
    ENDS,
    WIDE_ENDS,
    in_capitals,
    may_hold_several,
    plain_apostrophes,
    visible,
    without_capitals,
)
from seq2seq.data.languages import is_unspaced, short_code, writes_blanks
from seq2seq.data.style import Style
from seq2seq.data.style import of_run as style_of_run
from seq2seq.errors import RunError

RULES = ("auto", "split", "keep")

Pieces = Callable[[str], list[str]]

_CLOSING = "\"'”’»›)\\]}」』）】》〉"
LONGEST_TOKEN = 64  # characters; counting the tokens of a text takes fifty times its memory
_OTHER_CAPITALS = ("tr", "az")  # languages whose I has another small letter
_BLANKS = " \u00a0\u2007\u202f\u3000"


@dataclass(frozen=True)
class Segmenter:
    """How lines are read, cut into segments, and joined again.

    `rule`: with `split` each sentence is a segment; with `keep` each line; with `auto` it depends on the style of the
    training text, which is computed when a line has several sentences, a typographic apostrophe, or capitals alone.
    Where some of its lines were two sentences, two are also tried as one segment, which is preferred where no sentence
    is lost.
    """

    source: str = ""  # language codes
    target: str = ""
    rule: str = "auto"
    style: Callable[[], Style] = Style

    @classmethod
    def of_run(
        cls, folder: Path, record: Callable[[], dict[str, Any]], source: str, target: str, rule: str = "auto"
    ) -> Segmenter:
        """The segmenter of a run folder. Its record and its test set are read only when needed, and may be damaged."""

        @cache
        def style() -> Style:
            try:
                report = record().get("pairs", {})
            except RunError:
                report = {}
            return style_of_run(report, folder / "test.jsonl", source)

        return cls(source, target, rule, style)

    def read(self, text: str) -> str:
        """A text with the apostrophes of the training text; one in capitals, where that has few, in small letters."""
        plain = plain_apostrophes(text)
        if plain != text and self.style().plain_apostrophes:
            text = plain
        if in_capitals(text) and short_code(self.source) not in _OTHER_CAPITALS and self.style().few_capitals:
            return without_capitals(text)
        return text

    def segments(self, line: str) -> list[str]:
        """The segments of a line, each with the white space after it; joined, they are the line."""
        if self.rule == "keep" or not may_hold_several(line):
            return [line]
        sentences = _sentences(line, self.source)
        split = len(sentences) > 1 and (self.rule == "split" or self.style().single_sentences)
        return sentences if split else [line]

    def may_be_whole(self, segments: Sequence[object]) -> bool:
        """Whether a line of these segments should be tried as a whole too."""
        return self.rule == "auto" and len(segments) == 2 and self.style().some_pairs

    def is_complete(self, segments: Sequence[str], translation: str) -> bool:
        """Whether the translation of a line as a whole has as many sentences as the line."""
        return len(_sentences(translation, self.target)) == len(segments)

    def paired(self, line: str, translation: str) -> list[tuple[str, str]]:
        """The segments of a line with those of its translation; both whole where their numbers differ."""
        sources = self.segments(line)
        if len(sources) > 1:
            targets = _sentences(translation, self.target)
            if len(targets) == len(sources):
                return [(source.strip(), target.strip()) for source, target in zip(sources, targets)]
        return [(line, translation)]

    def shortened(self, segment: str, limit: int, count: Callable[[str], int]) -> list[str]:
        """A segment as parts of at most `limit` tokens; joined, they are the segment. Texts that are certainly
        longer are not counted.

        Parts are whole sentences where these fit, else clauses, else words, else characters: a character and the marks
        that combine with it are cut only where they alone are over the limit.
        """
        longest = LONGEST_TOKEN * limit

        def fits(text: str) -> bool:
            return len(text) <= longest and count(text.strip()) <= limit

        return _shortened(segment, fits, (lambda text: _sentences(text, self.source), *_LEVELS))

    def joined(self, parts: Sequence[str], translations: Sequence[str]) -> str:
        """The translations of a line's parts as one, separated as the parts were."""
        line, before = "", ""
        for part, translation in zip(parts, translations, strict=True):
            if translation:
                line += (self._separator(before, part) if line else "") + translation
                before = part
        return line

    def _separator(self, before: str, after: str) -> str:
        blanks = before[len(before.rstrip()) :] + after[: len(after) - len(after.lstrip())]
        if not writes_blanks(self.target):
            return "" if not blanks.strip(_BLANKS) else blanks
        if blanks:
            return blanks.replace("\u3000", " ")
        last, first = visible(before)[-1:], visible(after)[:1]
        return " " if is_unspaced(last) or is_unspaced(first) or last in set(WIDE_ENDS) else ""


def _sentences(text: str, language: str) -> list[str]:
    from seq2seq.data.sentences import sentences  # slower to import than a sentence is to translate

    return sentences(text, language)


def _after(pattern: str) -> Pieces:
    """Cuts a text after each match of a pattern."""

    def pieces(text: str) -> list[str]:
        start = len(text) - len(text.lstrip())
        ends = [match.end() for match in re.compile(pattern).finditer(text, start) if match.end() < len(text)]
        return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)])]

    return pieces


_LEVELS = (
    _after(f"[{WIDE_ENDS}][{_CLOSING}]*\\s*|[{re.escape(ENDS)}][{_CLOSING}]*\\s+|\u0f0d\\s*"),  # inside quotations too
    _after(
        "[\u3001\uff0c\uff1b\uff1a\ufe50\ufe51\u104a]\\s*|[,;:\u060c\u061b\u055d\u1363-\u1366]\\s+|(?<!\\s)\\s+(?=[–—]\\s)"
    ),
    _after("[^\\S\u00a0\u2007\u202f]+"),
    _after("[\\s\u200b]+"),
)


def _shortened(text: str, fits: Callable[[str], bool], levels: Sequence[Pieces]) -> list[str]:
    if fits(text):
        return [text]
    if not levels:
        return [part for half in _halves(text) for part in _shortened(half, fits, ())] if len(text) > 1 else [text]
    parts: list[str] = []
    for piece in levels[0](text):
        if parts and fits(parts[-1] + piece):
            parts[-1] += piece
        else:
            parts += _shortened(piece, fits, levels[1:])
    return parts


def _halves(text: str) -> tuple[str, str]:
    import regex  # as above

    characters = regex.findall(r"\X", text)
    if len(characters) == 1:
        characters = list(text)
    middle = len(characters) // 2
    return "".join(characters[:middle]), "".join(characters[middle:])
