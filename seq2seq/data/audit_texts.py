"""What is odd about running text, whatever its size: of its longer lines a digest is kept, of 8 bytes."""

from __future__ import annotations

import hashlib
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from seq2seq.data.audit import odd_of, repeats
from seq2seq.data.corpora import SPLITS, SplitName
from seq2seq.data.documents import Documents, by_document, lines_of
from seq2seq.data.findings import EXAMPLES
from seq2seq.data.folding import fold
from seq2seq.data.texts import TextCorpus

LONG = 30  # characters: shorter lines, such as the name of who speaks, may well stand twice
VERY_LONG = 10_000
_RAREST = 8
_SHOWN = 200  # characters of a line that an example holds


@dataclass(frozen=True)
class Spot:
    """Where a line stands: its document, and its number there, both counted from 1."""

    document: int
    line: int


@dataclass(frozen=True)
class Line:
    """The beginning of a line that shows a finding; `other` is where the line that it repeats stands."""

    spot: Spot
    text: str
    other: Spot | None = None


@dataclass(frozen=True)
class Lines:
    """How many lines show it, and the first few of them."""

    count: int = 0
    examples: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Character:
    """A character, how often it occurs, and where it does first."""

    code_point: int
    name: str
    count: int
    first: Spot


@dataclass(frozen=True)
class TextSplit:
    """One split, alone."""

    name: SplitName
    origin: str
    documents: int
    blank_documents: int
    repeated_documents: int  # the same as an earlier one of the split
    lines: int
    repeated_lines: Lines  # of 30 characters or more, the same as an earlier one of the split
    very_long_lines: Lines  # over 10,000 characters
    longest_line: int  # in characters
    characters: int
    bytes: int  # in UTF-8
    distinct: int  # characters
    rarest: tuple[Character, ...]  # the few that occur least
    odd: tuple[Character, ...]  # by code point, as `odd_of` finds them, but for tab and line end


@dataclass(frozen=True)
class TextOverlap:
    """What dev or test has of train, and what it has that train lacks."""

    name: SplitName
    long_lines: int  # of 30 characters or more
    in_train: Lines  # those that also stand in train, in whatever form
    new_characters: tuple[Character, ...]  # by code point


@dataclass(frozen=True)
class TextAudit:
    """What `seqx data check` reports of running text."""

    corpus: str
    splits: tuple[TextSplit, ...]
    overlaps: tuple[TextOverlap, ...]


def audit(corpus: TextCorpus) -> TextAudit:
    """Look at all the text of a corpus. Raises DataError: unreadable text."""
    texts: dict[SplitName, Documents] = {"train": corpus.train, "dev": corpus.dev, "test": corpus.test}
    wanted = {fold(line) for name in SPLITS[1:] for _, line in _long_lines(texts[name])} - {b""}
    standing: dict[bytes, Spot] = {}
    for spot, line in _long_lines(texts["train"]):
        key = fold(line)
        if key in wanted:
            standing.setdefault(key, spot)
    tallies = {name: _Tally(texts[name]) for name in SPLITS}
    return TextAudit(
        corpus.name,
        tuple(tally.finish(name) for name, tally in tallies.items()),
        tuple(_overlap(name, tallies[name], tallies["train"], standing) for name in SPLITS[1:]),
    )


def _long_lines(documents: Documents) -> Iterator[tuple[Spot, str]]:
    for number, parts in by_document(documents.pieces()):
        lines = (line for text, _ in parts for line in lines_of(text))
        for count, line in enumerate(lines, start=1):
            if len(stripped := line.strip()) >= LONG:
                yield Spot(number + 1, count), stripped


def _overlap(name: SplitName, own: _Tally, train: _Tally, standing: dict[bytes, Spot]) -> TextOverlap:
    found = _Found()
    for spot, line in _long_lines(own.documents):
        other = standing.get(fold(line))
        if other is not None:
            found.add(spot, line, other)
    return TextOverlap(
        name,
        len(own.digests),
        found.lines(),
        tuple(own.character(each) for each in sorted(own.first.keys() - train.first.keys())),
    )


@dataclass
class _Found:
    count: int = 0
    examples: list[Line] = field(default_factory=list)

    def add(self, spot: Spot, line: str, other: Spot | None = None) -> None:
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(Line(spot, line[:_SHOWN], other))

    def lines(self) -> Lines:
        return Lines(self.count, tuple(self.examples))


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
        self._very_long = _Found()
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
        self._odd.update(odd_of(text))
        for character in set(text) - self.first.keys():
            line = text.count("\n", 0, text.index(character))
            self.first[character] = Spot(document, before + line + 1)

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

    def character(self, character: str) -> Character:
        return Character(
            ord(character), unicodedata.name(character, "no name"), self._counts[character], self.first[character]
        )

    def finish(self, name: SplitName) -> TextSplit:
        rarest = sorted(self._counts, key=lambda each: (self._counts[each], each))[:_RAREST]
        odd = sorted(self._odd)
        return TextSplit(
            name=name,
            origin=self.documents.origin,
            documents=len(self._whole),
            blank_documents=self._blank,
            repeated_documents=repeats(self._whole)[0],
            lines=self._lines,
            repeated_lines=self._repeated_lines(),
            very_long_lines=self._very_long.lines(),
            longest_line=self._longest,
            characters=self._counts.total(),
            bytes=self._bytes,
            distinct=len(self._counts),
            rarest=tuple(self.character(each) for each in rarest),
            odd=tuple(self.character(each) for each in odd if each not in "\n\t"),
        )

    def _repeated_lines(self) -> Lines:
        count, few = repeats(self.digests)
        wanted = {index for both in few for index in both}
        found: dict[int, tuple[Spot, str]] = {}
        if few:
            for index, line in enumerate(_long_lines(self.documents)):
                if index in wanted:
                    found[index] = line
                if index == few[-1][0]:
                    break
        examples = (Line(found[index][0], found[index][1][:_SHOWN], found[first][0]) for index, first in few)
        return Lines(count, tuple(examples))


def _digest(line: str) -> int:
    return int.from_bytes(hashlib.blake2b(line.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _shows(text: str) -> bool:
    """Whether anything of a text is to be seen."""
    return bool(text) and not text.isspace() and (len(text) > VERY_LONG or bool(fold(text)))
