"""Reads `fr-en.tsv`: a source, a target, and links of their words, counted from 0 between blanks. `1-2` is sure: the
words translate one another. `1?2` is possible: one helps to say what the other says, or is one of several that do."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from seq2seq.decoding.alignment import Link

FILE = Path(__file__).parent / "fr-en.tsv"


class Pair(NamedTuple):
    """A sentence pair with its links."""

    source: str
    target: str
    sure: list[Link]
    possible: list[Link]


def read() -> list[Pair]:
    """All pairs."""
    return [_pair(*line.split("\t")) for line in FILE.read_text(encoding="utf-8").splitlines()]


def diagonal(source: str, target: str) -> list[Link]:
    """What one aligns who knows no language: each target word with the source word at its place in the sentence."""
    F, E = len(source.split()), len(target.split())
    return [(round(place * (F - 1) / max(1, E - 1)), place) for place in range(E)]


def _pair(source: str, target: str, links: str) -> Pair:
    found: dict[str, list[Link]] = {"-": [], "?": []}
    for link in links.split(" "):
        kind = "-" if "-" in link else "?"
        one, other = link.split(kind)
        found[kind].append((int(one), int(other)))
    return Pair(source, target, found["-"], found["?"])
