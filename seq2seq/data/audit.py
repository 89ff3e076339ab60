"""An audit of records: what is unusual in a corpus of them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic

from seq2seq.data.corpus import SPLITS, Corpus, Record, Source, SplitName
from seq2seq.data.findings import (
    Audit,
    Finding,
    JsonObject,
    RecordPlace,
    also_in_train,
    cell,
    character,
    first_places,
    odd_character,
    odd_characters,
    repeated,
)
from seq2seq.data.folding import fold
from seq2seq.data.hold_out import fingerprint
from seq2seq.data.records import Kind


class Tally(Generic[Record]):
    """Counts of one split, record by record. A subclass that checks more names what `checks` finds."""

    findings: ClassVar[tuple[str, ...]] = ()
    labels: ClassVar[Mapping[str, str]] = {}  # of findings and figures in a table, by name

    def __init__(self, kind: Kind[Record, Any]) -> None:
        self.kind = kind
        self._words = dict.fromkeys(kind.fields, 0)
        self._longest: dict[str, JsonObject | None] = dict.fromkeys(kind.fields)
        self._blank = Finding(self.show)
        self._findings = {name: Finding(self.show) for name in self.findings}
        self._digests = array("Q")
        self._characters: dict[str, tuple[int, RecordPlace]] = {}

    def show(self, place: RecordPlace, record: Record, other: RecordPlace | None) -> JsonObject:
        """A record as an example of a finding; `other` is the place that it repeats."""
        texts = dict(zip(self.kind.fields, self.kind.texts(record)))
        return {"place": place._asdict(), **texts, "other": other and other._asdict()}

    def add(self, place: RecordPlace, record: Record) -> None:
        """Count a record."""
        texts = self.kind.texts(record)
        shown = [text.strip() if text.isprintable() or fold(text) else "" for text in texts]
        self._digests.append(fingerprint("\n".join(texts)))
        for field, text in zip(self.kind.fields, texts):
            self._words[field] += len(text.split())
            longest = self._longest[field]
            if longest is None or len(text) > longest["characters"]:
                self._longest[field] = {"characters": len(text), "place": place._asdict()}
            for odd in odd_characters(text):
                count, first = self._characters.get(odd, (0, place))
                self._characters[odd] = (count + 1, first)
        if not all(shown):
            self._blank.add(place, record)
            return
        for name in self.checks(record, shown):
            self._findings[name].add(place, record)

    def checks(self, record: Record, shown: Sequence[str]) -> Iterable[str]:
        """Which of `findings` a record without a blank text has; `shown` are its texts, stripped."""
        return ()

    def figures(self) -> JsonObject:
        """Figures of this kind only."""
        return {}

    def cell(self, name: str, value: Any) -> str:
        """The value of a finding or a figure in a table."""
        return cell(value)

    def report(self, name: SplitName, sources: Sequence[Source[Record]]) -> JsonObject:
        """The split of these sources; blank are records with a text without a visible character."""
        return {
            "name": name,
            "origins": [source.origin for source in sources],
            f"{self.kind.noun}s": len(self._digests),
            **{f"{field}_words": count for field, count in self._words.items()},
            "blank": self._blank.report(),
            "duplicates": repeated(self._digests, numbered(sources), self.show),
            **{name: finding.report() for name, finding in self._findings.items()},
            "characters": [character(of, *seen) for of, seen in sorted(self._characters.items())],
            **self.figures(),
            **{f"longest_{field}": longest for field, longest in self._longest.items()},
        }


def audit(corpus: Corpus[Any], kind: Kind[Any, Any], tally_of: Callable[[Any], Tally[Any]] = Tally) -> Audit:
    """Check every record of a corpus, and which texts of dev and test are also in train, in the same field and in any
    form (`fold`). Raises DataError: unreadable text."""
    sources = corpus.splits()
    tallies = {name: tally_of(kind) for name in SPLITS}
    for name, tally in tallies.items():
        for place, record in numbered(sources[name]):
            tally.add(place, record)

    def keys(record: Any) -> Iterator[tuple[int, bytes]]:
        texts = zip(kind.fields, kind.texts(record))
        return (key for key in enumerate(fold(text) for field, text in texts if field in kind.compared) if key[1])

    first = first_places(numbered(sources["train"]), numbered((corpus.dev, corpus.test)), keys)

    def overlap(name: SplitName, number: int) -> JsonObject:
        def key(record: Any) -> tuple[int, bytes]:
            return number, fold(kind.texts(record)[number])

        return also_in_train(numbered(sources[name]), key, first, tallies[name].show)

    overlaps = [
        {"name": name, **{field: overlap(name, number) for number, field in enumerate(kind.compared)}}
        for name in SPLITS[1:]
    ]
    splits = [tally.report(name, sources[name]) for name, tally in tallies.items()]
    return Audit(
        {"corpus": corpus.name, "splits": splits, "overlaps": overlaps},
        f"{corpus.name}: " + "; ".join(sorted({origin for split in splits for origin in split["origins"]})),
        list(_figures(tallies["train"], splits, overlaps)),
        list(_remarks(tallies["train"], splits, overlaps)),
    )


def numbered(sources: Iterable[Source[Record]]) -> Iterator[tuple[RecordPlace, Record]]:
    """The records of sources with their places."""
    for source in sources:
        for line, record in source.numbered():
            yield RecordPlace(source.origin, line), record


def example(kind: Kind[Any, Any], shown: JsonObject) -> str:
    """An example of a finding on one line."""
    return f"line {shown['place']['line']:,}: {' = '.join(repr(shown[field]) for field in kind.fields)}"


def _figures(
    tally: Tally[Any], splits: Sequence[JsonObject], overlaps: Sequence[JsonObject]
) -> Iterator[tuple[str, ...]]:
    noun, fields = tally.kind.noun, tally.kind.fields
    labels = {
        f"{noun}s": f"{noun}s",
        **{f"{field}_words": f"words, {field}" for field in fields},
        "blank": "a side blank",
        "duplicates": f"duplicate {noun}s",
        **(tally.labels or {name: name for name in tally.findings}),
        "characters": "odd characters",
    }
    for name, label in labels.items():
        yield label, *(tally.cell(name, split[name]) for split in splits)
    longest = [
        max((split[f"longest_{field}"] or {"characters": 0})["characters"] for field in fields) for split in splits
    ]
    yield "longest, characters", *map(cell, longest)
    for field in tally.kind.compared:
        yield f"{field} also in train", "", *(cell(overlap[field]) for overlap in overlaps)


def _remarks(tally: Tally[Any], splits: Sequence[JsonObject], overlaps: Sequence[JsonObject]) -> Iterator[str]:
    for split in splits:
        for name in ("blank", "duplicates", *tally.findings):
            for shown in split[name]["examples"][:1]:
                yield f"  {split['name']}, {name.replace('_', ' ')}, {example(tally.kind, shown)}"[:160]
        for odd in split["characters"][:5]:
            yield odd_character(split["name"], odd, f"line {odd['first']['line']:,} of {odd['first']['origin']}")
    for overlap in overlaps:
        for field in tally.kind.compared:
            for shown in overlap[field]["examples"][:1]:
                yield f"  {overlap['name']}, {field} also in train, {example(tally.kind, shown)}"[:160]
