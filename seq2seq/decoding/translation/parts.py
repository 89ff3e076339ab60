"""Lines as parts, each short enough for the model, with their tokens. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from seq2seq.data.characters import has_letters, is_blank
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.translation.segments import LONGEST_TOKEN, Segmenter
from seq2seq.decoding.translation.windows import Window


class LinePart(NamedTuple):
    """A text that is translated separately."""

    text: str
    tokens: list[int]  # none where it is copied
    number: tuple[int, int]  # of the line, and of the part in it


class DividedLine(NamedTuple):
    """A line as the parts that are translated separately: none where it is blank."""

    text: str
    parts: list[LinePart]
    whole: LinePart | None = None  # the line as one part, which is tried too


class PartReader:
    """Cuts lines into parts of at most `limit` tokens, and tokenises them."""

    def __init__(self, tokenizers: Tokenizers, segmenter: Segmenter, limit: int) -> None:
        self._tokenizers = tokenizers
        self._segmenter = segmenter
        self._limit = limit

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of source texts; none of those without a letter."""
        return self._tokenizers.encode_source(
            [self._segmenter.read(text) if has_letters(text) else "" for text in texts]
        )

    def lines(self, window: Window, *, whole: bool) -> list[DividedLine]:
        """The lines of a window; with `whole`, those of two sentences also as one part, where the segmenter says so."""
        segments = [[] if is_blank(line) else self._segmenter.segments(line) for line in window.lines]
        short = [part for line in segments for part in _trimmed(line) if len(part) <= LONGEST_TOKEN * self._limit]
        tokens = dict(zip(short, self.tokens(short)))
        return [
            self._line(number, text, line, tokens, whole=whole)
            for number, (text, line) in enumerate(zip(window.lines, segments), window.first)
        ]

    def _line(
        self, number: int, text: str, segments: list[str], tokens: dict[str, list[int]], *, whole: bool
    ) -> DividedLine:
        """A line, given its segments; `tokens`, the known tokens by text, receives those of further texts."""
        cut = [
            part
            for segment, trimmed in zip(segments, _trimmed(segments))
            for part in self._shortened(segment, trimmed, tokens.get(trimmed))
        ]
        read = _trimmed(cut)
        unknown = [part for part in read if part not in tokens]
        tokens.update(zip(unknown, self.tokens(unknown)))
        parts = [LinePart(part, tokens[key], (number, place)) for place, (part, key) in enumerate(zip(cut, read))]
        if whole and len(cut) == 2 and self._segmenter.may_be_whole(segments):
            (together,) = self.tokens([text])
            if len(together) <= self._limit:
                return DividedLine(text, parts, LinePart(text, together, (number, 2)))
        return DividedLine(text, parts)

    def _shortened(self, segment: str, trimmed: str, tokens: list[int] | None) -> list[str]:
        """A segment, or parts of it that are short enough; `tokens` are those of the trimmed segment, where known."""
        if not has_letters(trimmed) or (tokens is not None and len(tokens) <= self._limit):
            return [segment]
        return self._segmenter.shortened(segment, self._limit, lambda part: len(self.tokens([part])[0]))


def _trimmed(parts: list[str]) -> list[str]:
    """The parts of a line as a model reads them; a line that is not cut keeps its blanks."""
    return [part.strip() for part in parts] if len(parts) > 1 else parts
