"""An audit of running text of any size: of its longer lines, digests of 8 bytes are kept."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from seq2seq.data.corpus import SPLITS, Corpus, SplitName
from seq2seq.data.documents import Documents
from seq2seq.data.findings import (
    Audit,
    Finding,
    JsonObject,
    also_in_train,
    cell,
    character,
    first_places,
    odd_character,
    odd_characters,
    repeated,
    repeats,
)
from seq2seq.data.folding import fold
from seq2seq.data.hold_out import fingerprint
from seq2seq.data.pieces import by_document, lines_of

_LONG = 30  # characters; shorter lines, such as the name of a speaker, may be repeated
_VERY_LONG = 10_000
_RAREST = 8
_SHOWN = 200  # characters of a line in an example
_LABELS = {
    "documents": "documents",
    "blank_documents": "blank documents",
    "repeated_documents": "repeated documents",
    "lines": "lines",
    "repeated_lines": f"repeated lines of {_LONG} or more",
    "very_long_lines": f"lines over {_VERY_LONG:,}",
    "longest_line": "longest line",
    "characters": "characters",
    "bytes": "bytes",
    "distinct": "distinct characters",
    "odd": "odd characters",
}


class Spot(NamedTuple):
    """The place of a line: its document, and its number there, both counted from 1."""

    document: int
    line: int


def audit_texts(corpus: Corpus[Documents]) -> Audit:
    """Check all the text of a corpus, and which long lines of dev and test are also in train, in any form (`fold`).
    Raises DataError: unreadable text."""
    (train,) = corpus.train
    held_out = (item for documents in (corpus.dev, corpus.test) for item in _long_lines(documents))
    first = first_places(_long_lines(train), held_out, lambda line: filter(None, [fold(line)]))
    tallies = {name: _Tally(documents) for name, (documents,) in corpus.splits().items()}
    splits = [tally.report(name) for name, tally in tallies.items()]
    overlaps = [tallies[name].overlap(name, tallies["train"], first) for name in SPLITS[1:]]
    return Audit(
        {"corpus": corpus.name, "splits": splits, "overlaps": overlaps},
        f"{corpus.name}: " + "; ".join(split["origin"] for split in splits),
        [
            *((label, *(cell(split[name]) for split in splits)) for name, label in _LABELS.items()),
            ("long lines also in train", "", *(cell(overlap["in_train"]) for overlap in overlaps)),
            ("characters not in train", "", *(cell(len(overlap["new_characters"])) for overlap in overlaps)),
        ],
        list(_remarks(splits, overlaps)),
    )


def _long_lines(documents: Documents) -> Iterator[tuple[Spot, str]]:
    for number, parts in by_document(documents.pieces()):
        lines = (line for text, _ in parts for line in lines_of(text))
        for count, line in enumerate(lines, start=1):
            if len(stripped := line.strip()) >= _LONG:
                yield Spot(number + 1, count), stripped


def _show(spot: Spot, line: str, other: Spot | None) -> JsonObject:
    """The beginning of a line with a finding; `other` is the place of the line that it repeats."""
    return {"spot": spot._asdict(), "text": line[:_SHOWN], "other": other and other._asdict()}


class _Tally:
    """Counts of one split."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.first: dict[str, Spot] = {}  # of each character
        self._long_lines = array("Q")  # digests
        self._counts: Counter[str] = Counter()
        self._odd: set[str] = set()
        self._whole = array("Q")  # digests of documents
        self._blank = self._lines = self._longest = self._bytes = 0
        self._very_long = Finding(_show)
        for number, parts in by_document(documents.pieces()):
            whole, blank, line = hashlib.blake2b(digest_size=8), True, 0
            for text, _ in parts:
                encoded = text.encode("utf-8", "surrogatepass")
                whole.update(encoded)
                blank = blank and not _shows(text)
                self._bytes += len(encoded)
                self._count_characters(number + 1, line, text)
                line = self._look_at_lines(number + 1, line, text)
            self._whole.append(int.from_bytes(whole.digest()))
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
            if len(stripped) >= _LONG:
                self._long_lines.append(fingerprint(stripped))
            if len(stripped) > _VERY_LONG:
                self._very_long.add(Spot(document, line), stripped)
        return line

    def overlap(self, name: SplitName, train: _Tally, first: dict[Any, Any]) -> JsonObject:
        """What the split shares with train, whose long lines have the places `first`, and which characters train
        lacks."""
        return {
            "name": name,
            "long_lines": len(self._long_lines),
            "in_train": also_in_train(_long_lines(self.documents), fold, first, _show),
            "new_characters": self._described(sorted(self.first.keys() - train.first.keys())),
        }

    def _described(self, characters: Iterable[str]) -> list[JsonObject]:
        return [character(of, self._counts[of], self.first[of]) for of in characters]

    def report(self, name: SplitName) -> JsonObject:
        rarest = sorted(self._counts, key=lambda of: (self._counts[of], of))[:_RAREST]
        return {
            "name": name,
            "origin": self.documents.origin,
            "documents": len(self._whole),
            "blank_documents": self._blank,
            "repeated_documents": repeats(self._whole)[0],  # equal to an earlier one of the split
            "lines": self._lines,
            "repeated_lines": repeated(self._long_lines, _long_lines(self.documents), _show),
            "very_long_lines": self._very_long.report(),
            "longest_line": self._longest,
            "characters": self._counts.total(),
            "bytes": self._bytes,
            "distinct": len(self._counts),
            "rarest": self._described(rarest),
            "odd": self._described(of for of in sorted(self._odd) if of not in "\n\t"),
        }


def _shows(text: str) -> bool:
    """Whether a text has a visible character."""
    return bool(text) and not text.isspace() and (len(text) > _VERY_LONG or bool(fold(text)))


def _remarks(splits: Sequence[JsonObject], overlaps: Sequence[JsonObject]) -> Iterator[str]:
    for split in splits:
        yield f"  {split['name']}, rarest characters: {_listed(split['rarest'])}"
        yield from _example(f"{split['name']}, repeated line", split["repeated_lines"])
        yield from _example(f"{split['name']}, very long line", split["very_long_lines"])
        for odd in split["odd"][:5]:
            yield odd_character(split["name"], odd, _place(odd["first"]))
    for overlap in overlaps:
        yield from _example(f"{overlap['name']}, long line also in train", overlap["in_train"], "train, ")
        if overlap["new_characters"]:
            yield f"  {overlap['name']}, not in train: {_listed(overlap['new_characters'][:8])}"


def _listed(characters: Sequence[JsonObject]) -> str:
    return ", ".join(f"{chr(each['code_point'])!r} {each['count']:,}" for each in characters)


def _example(label: str, finding: JsonObject, other: str = "") -> Iterator[str]:
    for line in finding["examples"][:1]:
        repeats = f" (as {other}{_place(line['other'])})" if line["other"] else ""
        yield f"  {label}, {_place(line['spot'])}{repeats}: {line['text']!r}"[:160]


def _place(spot: JsonObject) -> str:
    document = "" if spot["document"] == 1 else f"document {spot['document']:,}, "
    return f"{document}line {spot['line']:,}"
