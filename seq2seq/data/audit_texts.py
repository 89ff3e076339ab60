"""What is unusual in running text of any size: of its longer lines, digests of 8 bytes are kept."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from seq2seq.data.corpus import SPLITS, Corpus, SplitName
from seq2seq.data.documents import Documents
from seq2seq.data.findings import (
    Character,
    Finding,
    FindingCounter,
    also_in_train,
    character,
    odd_characters,
    repeated,
    repeats,
)
from seq2seq.data.folding import fold
from seq2seq.data.pieces import by_document, lines_of

LONG = 30  # characters; shorter lines, such as the name of a speaker, may be repeated
VERY_LONG = 10_000
_RAREST = 8
_SHOWN = 200  # characters of a line in an example


@dataclass(frozen=True)
class Spot:
    """The place of a line: its document, and its number there, both counted from 1."""

    document: int
    line: int


@dataclass(frozen=True)
class Line:
    """The beginning of a line with a finding; `other` is the place of the line that it repeats."""

    spot: Spot
    text: str
    other: Spot | None = None


@dataclass(frozen=True)
class TextSplit:
    """One split, alone."""

    name: SplitName
    origin: str
    documents: int
    blank_documents: int
    repeated_documents: int  # equal to an earlier one of the split
    lines: int
    repeated_lines: Finding[Line]  # of 30 characters or more, equal to an earlier one of the split
    very_long_lines: Finding[Line]  # over 10,000 characters
    longest_line: int  # in characters
    characters: int
    bytes: int  # in UTF-8
    distinct: int  # characters
    rarest: tuple[Character[Spot], ...]  # the few rarest ones
    odd: tuple[Character[Spot], ...]  # by code point, those of `odd_characters` except tab and line end


@dataclass(frozen=True)
class TextOverlap:
    """What dev or test has in common with train, and what it has that train lacks."""

    name: SplitName
    long_lines: int  # of 30 characters or more
    in_train: Finding[Line]  # those that are also in train, in any form
    new_characters: tuple[Character[Spot], ...]  # by code point


@dataclass(frozen=True)
class TextAudit:
    """What `seqx data check` reports of running text."""

    corpus: str
    splits: tuple[TextSplit, ...]
    overlaps: tuple[TextOverlap, ...]

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def audit_texts(corpus: Corpus[Documents]) -> TextAudit:
    """Check all the text of a corpus. Raises DataError: unreadable text."""
    (train,) = corpus.train
    held_out = {fold(line) for documents in (corpus.dev, corpus.test) for _, line in _long_lines(documents)} - {b""}
    in_train: dict[bytes, Spot] = {}
    for spot, line in _long_lines(train):
        key = fold(line)
        if key in held_out:
            in_train.setdefault(key, spot)
    tallies = {name: _Tally(documents) for name, (documents,) in corpus.splits().items()}
    return TextAudit(
        corpus.name,
        tuple(tally.finish(name) for name, tally in tallies.items()),
        tuple(tallies[name].overlap(name, tallies["train"], in_train) for name in SPLITS[1:]),
    )


def _long_lines(documents: Documents) -> Iterator[tuple[Spot, str]]:
    for number, parts in by_document(documents.pieces()):
        lines = (line for text, _ in parts for line in lines_of(text))
        for count, line in enumerate(lines, start=1):
            if len(stripped := line.strip()) >= LONG:
                yield Spot(number + 1, count), stripped


def _show(spot: Spot, line: str, other: Spot | None) -> Line:
    return Line(spot, line[:_SHOWN], other)


class _Tally:
    """Counts of one split."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.first: dict[str, Spot] = {}  # of each character
        self.digests = array("Q")  # of long lines
        self._counts: Counter[str] = Counter()
        self._odd: set[str] = set()
        self._whole = array("Q")  # digests of documents
        self._blank = self._lines = self._longest = self._bytes = 0
        self._very_long: FindingCounter[Spot, str, Line] = FindingCounter(_show)
        for number, parts in by_document(documents.pieces()):
            digest, blank, line = hashlib.blake2b(digest_size=8), True, 0
            for text, _ in parts:
                encoded = text.encode("utf-8", "surrogatepass")
                digest.update(encoded)
                blank = blank and not _shows(text)
                self._bytes += len(encoded)
                self._count_characters(number + 1, line, text)
                line = self._look_at_lines(number + 1, line, text)
            self._whole.append(int.from_bytes(digest.digest()))
            self._blank += blank
            self._lines += line

    def _count_characters(self, document: int, before: int, text: str) -> None:
        self._counts.update(text)
        self._odd.update(odd_characters(text))
        for new in set(text) - self.first.keys():
            line = text.count("\n", 0, text.index(new))
            self.first[new] = Spot(document, before + line + 1)

    def _look_at_lines(self, document: int, before: int, text: str) -> int:
        line = before
        for line, whole in enumerate(lines_of(text), start=before + 1):
            stripped = whole.strip()
            self._longest = max(self._longest, len(whole.removesuffix("\n")))
            if len(stripped) >= LONG:
                self.digests.append(_digest(stripped))
            if len(stripped) > VERY_LONG:
                self._very_long.add(Spot(document, line), stripped)
        return line

    def overlap(self, name: SplitName, train: _Tally, in_train: dict[bytes, Spot]) -> TextOverlap:
        """What the split shares with train, whose long lines have the places `in_train`, and what train lacks."""
        return TextOverlap(
            name,
            len(self.digests),
            also_in_train(_long_lines(self.documents), fold, in_train, _show),
            self._described(sorted(self.first.keys() - train.first.keys())),
        )

    def _described(self, characters: Iterable[str]) -> tuple[Character[Spot], ...]:
        return tuple(character(of, self._counts[of], self.first[of]) for of in characters)

    def finish(self, name: SplitName) -> TextSplit:
        rarest = sorted(self._counts, key=lambda of: (self._counts[of], of))[:_RAREST]
        odd = sorted(self._odd)
        return TextSplit(
            name=name,
            origin=self.documents.origin,
            documents=len(self._whole),
            blank_documents=self._blank,
            repeated_documents=repeats(self._whole)[0],
            lines=self._lines,
            repeated_lines=repeated(self.digests, _long_lines(self.documents), _show),
            very_long_lines=self._very_long.finding(),
            longest_line=self._longest,
            characters=self._counts.total(),
            bytes=self._bytes,
            distinct=len(self._counts),
            rarest=self._described(rarest),
            odd=self._described(of for of in odd if of not in "\n\t"),
        )


def _digest(line: str) -> int:
    return int.from_bytes(hashlib.blake2b(line.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _shows(text: str) -> bool:
    """Whether a text has a visible character."""
    return bool(text) and not text.isspace() and (len(text) > VERY_LONG or bool(fold(text)))
