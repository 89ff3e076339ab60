"""What is found in a corpus of pairs: how often, and where first."""

from __future__ import annotations

from dataclasses import dataclass, field

from seq2seq.data.corpora import Pair

EXAMPLES = 3


@dataclass(frozen=True)
class Place:
    """Where a pair stands: the text it is from, and its number there, counted from 1 (the line, in files of lines)."""

    origin: str
    line: int


@dataclass(frozen=True)
class Example:
    """A pair that shows a finding; `other` is the place that it repeats, where there is one."""

    place: Place
    source: str
    target: str
    other: Place | None = None


@dataclass(frozen=True)
class Finding:
    """How many pairs show it, and the first few of them."""

    count: int = 0
    examples: tuple[Example, ...] = ()


@dataclass
class Found:
    """A finding as it grows."""

    count: int = 0
    examples: list[Example] = field(default_factory=list)

    def add(self, place: Place, pair: Pair, other: Place | None = None) -> None:
        """Count a pair, and keep it where it is one of the first."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(Example(place, *pair, other))

    def finding(self) -> Finding:
        """What was found."""
        return Finding(self.count, tuple(self.examples))
