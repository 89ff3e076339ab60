"""What is odd about a corpus of records, found in one pass over it."""

from __future__ import annotations

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from seq2seq.data.corpus import SPLITS, Corpus, Record, Source, SplitName
from seq2seq.data.findings import Character, Finding, Found, Place, also_in_train, character, odd_characters, repeated
from seq2seq.data.folding import fold
from seq2seq.data.records import Kind


@dataclass(frozen=True)
class RecordExample:
    """A record that shows a finding; `other` is the place that it repeats, where there is one."""

    place: Place
    texts: tuple[str, ...]
    other: Place | None = None


@dataclass(frozen=True)
class Longest:
    """The longest text of a field in characters, and its place."""

    characters: int
    place: Place


@dataclass(frozen=True)
class RecordSplit:
    """One split, alone."""

    name: SplitName
    origins: tuple[str, ...]
    records: int
    words: dict[str, int]  # by field
    blank: Finding[RecordExample]  # a text that shows nothing
    duplicates: Finding[RecordExample]  # all texts as in an earlier record of the split
    findings: dict[str, Finding[RecordExample]]  # what `Kind.checks` names
    characters: tuple[Character[Place], ...]  # by code point
    longest: dict[str, Longest | None]  # by field; None where there is no record


@dataclass(frozen=True)
class RecordOverlap:
    """Records of dev or test with a text that also stands in the same field in train, in whatever form (`fold`)."""

    name: SplitName
    fields: dict[str, Finding[RecordExample]]


@dataclass(frozen=True)
class Audit:
    """What `seqx data check` reports."""

    corpus: str
    splits: tuple[RecordSplit, ...]
    overlaps: tuple[RecordOverlap, ...]


class Tally(Generic[Record]):
    """Counts of one split, record by record."""

    def __init__(self, kind: Kind[Record, Any]) -> None:
        self.kind = kind
        self.words = [0] * len(kind.fields)
        self.longest: list[Longest | None] = [None] * len(kind.fields)
        self.blank = self.found()
        self.findings: dict[str, Found[Place, Record, Any]] = defaultdict(self.found)
        self.digests = array("Q")
        self._characters: dict[str, tuple[int, Place]] = {}

    def show(self, place: Place, record: Record, other: Place | None) -> Any:
        """A record as an example of a finding."""
        return RecordExample(place, tuple(self.kind.texts(record)), other)

    def found(self) -> Found[Place, Record, Any]:
        """A finding without an example yet."""
        return Found(self.show)

    def add(self, place: Place, record: Record) -> None:
        """Count a record."""
        texts = self.kind.texts(record)
        shown = [text.strip() if text.isprintable() or fold(text) else "" for text in texts]
        self.digests.append(_digest(texts))
        for index, text in enumerate(texts):
            self.words[index] += len(text.split())
            longest = self.longest[index]
            if longest is None or len(text) > longest.characters:
                self.longest[index] = Longest(len(text), place)
            for odd in odd_characters(text):
                count, first = self._characters.get(odd, (0, place))
                self._characters[odd] = (count + 1, first)
        if all(shown):
            self.look(place, record, shown)
        else:
            self.blank.add(place, record)

    def look(self, place: Place, record: Record, shown: Sequence[str]) -> None:
        """Look at a record without a blank text; `shown` are its texts, stripped."""
        for name in self.kind.checks(record):
            self.findings[name].add(place, record)

    def duplicates(self, sources: Sequence[Source[Record]]) -> Finding[Any]:
        """The records of the sources that were counted, where they stand twice."""
        return repeated(self.digests, numbered(sources), self.show)

    def characters(self) -> tuple[Character[Place], ...]:
        """The odd characters, by code point."""
        return tuple(character(of, *seen) for of, seen in sorted(self._characters.items()))

    def finish(self, name: SplitName, sources: Sequence[Source[Record]]) -> Any:
        """The counts, of these sources."""
        fields = self.kind.fields
        return RecordSplit(
            name=name,
            origins=tuple(source.origin for source in sources),
            records=len(self.digests),
            words=dict(zip(fields, self.words)),
            blank=self.blank.finding(),
            duplicates=self.duplicates(sources),
            findings={name: found.finding() for name, found in self.findings.items()},
            characters=self.characters(),
            longest=dict(zip(fields, self.longest)),
        )


def audit(corpus: Corpus[Any], kind: Kind[Any, Any]) -> Audit:
    """Look at every record of a corpus. Raises DataError: unreadable text."""
    splits, overlaps = look_at(corpus, kind)
    return Audit(
        corpus.name,
        splits,
        tuple(RecordOverlap(name, dict(zip(kind.fields, findings))) for name, findings in overlaps.items()),
    )


def look_at(corpus: Corpus[Any], kind: Kind[Any, Any]) -> tuple[tuple[Any, ...], dict[SplitName, list[Finding[Any]]]]:
    """What the tallies of a kind say of each split; and for dev and test, of each field, what also stands in train."""
    sources = corpus.splits()
    fields = range(len(kind.fields))
    held_out = (corpus.dev, corpus.test)
    wanted = [
        {fold(kind.texts(record)[field]) for source in held_out for record in source.read()} - {b""} for field in fields
    ]
    standing: list[dict[bytes, Place]] = [{} for _ in fields]
    splits = []
    for name in SPLITS:
        tally = kind.tally()
        for place, record in numbered(sources[name]):
            tally.add(place, record)
            for field, text in enumerate(kind.texts(record)) if name == "train" else ():
                key = fold(text)
                if key in wanted[field]:
                    standing[field].setdefault(key, place)
        splits.append(tally.finish(name, sources[name]))

    def overlap(name: SplitName, field: int) -> Finding[Any]:
        def key(record: Any) -> bytes:
            return fold(kind.texts(record)[field])

        return also_in_train(numbered(sources[name]), key, standing[field], kind.tally().show)

    return tuple(splits), {name: [overlap(name, field) for field in fields] for name in SPLITS[1:]}


def numbered(sources: Iterable[Source[Record]]) -> Iterator[tuple[Place, Record]]:
    """The records of sources with their places."""
    for source in sources:
        for line, record in source.numbered():
            yield Place(source.origin, line), record


def _digest(texts: Sequence[str]) -> int:
    return int.from_bytes(hashlib.blake2b("\n".join(texts).encode("utf-8", "surrogatepass"), digest_size=8).digest())
