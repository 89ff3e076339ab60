"""How the source side of a training text is written, so that other text can be adapted to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from seq2seq.data.characters import has_typographic_apostrophe, in_capitals
from seq2seq.data.lines import read_lines
from seq2seq.errors import DataError
from seq2seq.storage.reading import parse_json

_SEVERAL = 0.2  # share of lines with several sentences above which a text does not consist of single sentences
_SOME = 0.01  # share above which a model has learned what they mean
_FEW = 0.05  # share of lines in capitals up to which a model has not learned words in capitals
_JUDGED = 1000  # lines of a test set that are read
_PLAIN = r"(?<=\w)'(?=\w)"


@dataclass(frozen=True)
class Style:
    """Counts of a sample of source lines."""

    lines: int = 0
    several: int = 0  # with more than one sentence
    plain: int = 0  # with a plain apostrophe
    typographic: int = 0  # with another one
    capitals: int = 0  # in capitals

    def __add__(self, other: Style) -> Style:
        return Style(*(sum(pair) for pair in zip(asdict(self).values(), asdict(other).values())))

    @property
    def single_sentences(self) -> bool:
        """Whether lines usually are single sentences."""
        return self.several <= _SEVERAL * self.lines

    @property
    def some_pairs(self) -> bool:
        """Whether some lines are two sentences."""
        return self.several > _SOME * self.lines

    @property
    def plain_apostrophes(self) -> bool:
        """Whether the plain apostrophe is the usual one."""
        return self.typographic <= self.plain

    @property
    def few_capitals(self) -> bool:
        """Whether text in capitals is unusual."""
        return self.capitals <= _FEW * self.lines


def count(lines: Iterable[str], language: str) -> Style:
    """The style of some source lines in a language."""
    from seq2seq.data.sentences import sentences

    total = several = plain = typographic = capitals = 0
    for line in lines:
        total += 1
        several += len(sentences(line, language)) > 1
        plain += re.search(_PLAIN, line) is not None
        typographic += has_typographic_apostrophe(line)
        capitals += in_capitals(line)
    return Style(total, several, plain, typographic, capitals)


def of_run(report: dict[str, Any], test_set: Path, language: str) -> Style:
    """The style of a run's training text, from the report of its training pairs, or else from the first lines of its
    test set (`source` of JSON lines)."""
    known = report.get("source_style")
    # Older versions did not count capitals.
    counts = {*asdict(Style())}
    if isinstance(known, dict) and counts == {*known, "capitals"} and all(type(n) is int for n in known.values()):
        return Style(**known)
    try:
        rows = (parse_json(line)["source"] for line in islice(read_lines(test_set), _JUDGED))
        return count((source for source in rows if isinstance(source, str)), language)
    except (DataError, ValueError, KeyError, TypeError):
        return Style()
