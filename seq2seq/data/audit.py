"""What is unusual in a corpus of records, found in one pass over it."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import Any, Generic

from seq2seq.data.corpus import SPLITS, Corpus, Record, Source, SplitName
from seq2seq.data.findings import (
    Character,
    Finding,
    FindingCounter,
    Place,
    RecordExample,
    Verdict,
    also_in_train,
    character,
    odd_characters,
    repeated,
)
from seq2seq.data.folding import fold
from seq2seq.data.records import Kind


@dataclass(frozen=True)
class Longest:
    """The longest text of a field in characters, and its place."""

    characters: int
    place: Place


@dataclass(frozen=True)
class Split:
    """One split, alone."""

    name: SplitName
    origins: tuple[str, ...]
    records: int
    words: dict[str, int]  # by field
    blank: Finding[RecordExample]  # without a visible character
    duplicates: Finding[RecordExample]  # equal to an earlier record of the split
    findings: dict[str, Finding[RecordExample]]  # `Kind.findings`
    characters: tuple[Character[Place], ...]  # by code point
    figures: dict[str, Any]  # further figures of the kind's tally
    longest: dict[str, Longest | None]  # by field; None where there is no record


@dataclass(frozen=True)
class Overlap:
    """Records of dev or test with a text that is also in train, in the same field and in any form (`fold`)."""

    name: SplitName
    fields: dict[str, Finding[RecordExample]]


@dataclass(frozen=True)
class Audit:
    """What `seqx data check` reports."""

    noun: str  # what a record is called
    fields: tuple[str, ...]
    corpus: str
    splits: tuple[Split, ...]
    overlaps: tuple[Overlap, ...]
    verdicts: tuple[Verdict, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: counts of a field are under names such as `source_words`."""
        splits = [
            {
                "name": split.name,
                "origins": split.origins,
                f"{self.noun}s": split.records,
                **{f"{field}_words": count for field, count in split.words.items()},
                "blank": split.blank,
                "duplicates": split.duplicates,
                **{name.replace(" ", "_"): finding for name, finding in split.findings.items()},
                "characters": split.characters,
                **split.figures,
                **{f"longest_{field}": longest for field, longest in split.longest.items()},
            }
            for split in self.splits
        ]
        overlaps = [{"name": overlap.name, **overlap.fields} for overlap in self.overlaps]
        whole = {"corpus": self.corpus, "splits": splits, "overlaps": overlaps, "verdicts": self.verdicts}
        return {name: self._plain(value) for name, value in whole.items()}

    def _plain(self, value: Any) -> Any:
        if isinstance(value, RecordExample):
            value = {"place": value.place, **dict(zip(self.fields, value.texts)), "other": value.other}
        elif is_dataclass(value):
            value = {field.name: getattr(value, field.name) for field in fields(value)}
        if isinstance(value, dict):
            return {name: self._plain(inner) for name, inner in value.items()}
        return [self._plain(inner) for inner in value] if isinstance(value, list | tuple) else value


class Tally(Generic[Record]):
    """Counts of one split, record by record."""

    def __init__(self, kind: Kind[Record, Any]) -> None:
        self._kind = kind
        self._words = [0] * len(kind.fields)
        self._longest: list[Longest | None] = [None] * len(kind.fields)
        self._blank = self._counter()
        self._findings = {name: self._counter() for name in kind.findings}
        self._digests = array("Q")
        self._characters: dict[str, tuple[int, Place]] = {}

    def _counter(self) -> FindingCounter[Place, Record, RecordExample]:
        return FindingCounter(partial(show, self._kind))

    def add(self, place: Place, record: Record) -> None:
        """Count a record."""
        texts = self._kind.texts(record)
        shown = [text.strip() if text.isprintable() or fold(text) else "" for text in texts]
        self._digests.append(_digest(texts))
        for index, text in enumerate(texts):
            self._words[index] += len(text.split())
            longest = self._longest[index]
            if longest is None or len(text) > longest.characters:
                self._longest[index] = Longest(len(text), place)
            for odd in odd_characters(text):
                count, first = self._characters.get(odd, (0, place))
                self._characters[odd] = (count + 1, first)
        if all(shown):
            self.look(place, record, shown)
        else:
            self._blank.add(place, record)

    def look(self, place: Place, record: Record, shown: Sequence[str]) -> None:
        """Check a record without a blank text; `shown` are its texts, stripped."""
        for name in self._kind.checks(record, shown):
            self._findings[name].add(place, record)

    def figures(self) -> dict[str, Any]:
        """Figures of this kind only."""
        return {}

    def finish(self, name: SplitName, sources: Sequence[Source[Record]]) -> Split:
        """The split of these sources."""
        return Split(
            name=name,
            origins=tuple(source.origin for source in sources),
            records=len(self._digests),
            words=dict(zip(self._kind.fields, self._words)),
            blank=self._blank.finding(),
            duplicates=repeated(self._digests, numbered(sources), partial(show, self._kind)),
            findings={name: counter.finding() for name, counter in self._findings.items()},
            characters=tuple(character(of, *seen) for of, seen in sorted(self._characters.items())),
            figures=self.figures(),
            longest=dict(zip(self._kind.fields, self._longest)),
        )


def audit(corpus: Corpus[Any], kind: Kind[Any, Any]) -> Audit:
    """Check every record of a corpus. Raises DataError: unreadable text."""
    sources = corpus.splits()
    held_out = (corpus.dev, corpus.test)
    held_out_keys = [
        {fold(kind.texts(record)[field]) for source in held_out for record in source.read()} - {b""}
        for field in range(len(kind.fields))
    ]
    in_train: list[dict[bytes, Place]] = [{} for _ in held_out_keys]
    splits = []
    for name in SPLITS:
        tally = kind.tally()
        for place, record in numbered(sources[name]):
            tally.add(place, record)
            for field, text in enumerate(kind.texts(record)) if name == "train" else ():
                key = fold(text)
                if key in held_out_keys[field]:
                    in_train[field].setdefault(key, place)
        splits.append(tally.finish(name, sources[name]))

    def overlap(name: SplitName, field: int) -> Finding[RecordExample]:
        def key(record: Any) -> bytes:
            return fold(kind.texts(record)[field])

        return also_in_train(numbered(sources[name]), key, in_train[field], partial(show, kind))

    overlaps = [
        Overlap(name, {title: overlap(name, field) for field, title in enumerate(kind.fields)}) for name in SPLITS[1:]
    ]
    # Of a held-out part, the whole source, where lines have their neighbours.
    whole = {id(source.whole or source): source.whole or source for split in sources.values() for source in split}
    verdicts = tuple(verdict for source in whole.values() for verdict in kind.verdicts(source))
    return Audit(kind.noun, kind.fields, corpus.name, tuple(splits), tuple(overlaps), verdicts)


def show(kind: Kind[Record, Any], place: Place, record: Record, other: Place | None) -> RecordExample:
    """A record as an example of a finding."""
    return RecordExample(place, tuple(kind.texts(record)), other)


def numbered(sources: Iterable[Source[Record]]) -> Iterator[tuple[Place, Record]]:
    """The records of sources with their places."""
    for source in sources:
        for line, record in source.numbered():
            yield Place(source.origin, line), record


def _digest(texts: Sequence[str]) -> int:
    return int.from_bytes(hashlib.blake2b("\n".join(texts).encode("utf-8", "surrogatepass"), digest_size=8).digest())
