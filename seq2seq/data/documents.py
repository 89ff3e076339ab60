"""Running text: documents, read whole or in pieces, and the part of them that is held out; the bundled play.

A document keeps its line ends (`\\r\\n` is made `\\n`); a byte order mark is dropped.
"""

from __future__ import annotations

import functools
import hashlib
import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import chain, islice
from pathlib import Path

from seq2seq.data.bundled import assistant
from seq2seq.data.corpus import SPLITS, Checksum, Source, SplitName
from seq2seq.data.hold_out import HeldOut, choose, part_checksum
from seq2seq.data.lines import Reading, read_blocks
from seq2seq.data.pieces import Piece, between, by_document, cut_at_lines, line_count
from seq2seq.data.records import Kind, origin_of
from seq2seq.data.rows import file_rows
from seq2seq.data.tables import Columns, listed, suffix_of
from seq2seq.data.unchanged import Unchanged
from seq2seq.errors import DataError
from seq2seq.recipe import Data, Hub
from seq2seq.storage.checksums import checksum

WHOLE_DOCUMENTS = 20  # held out, where there are this many or more; else the tail of each
TAIL_SHARE = 20  # one line in this many, for each of dev and test


@dataclass(frozen=True)
class Documents(Source[str]):
    """One split of running text.

    `read` yields each document as one text, whole in memory; `pieces`, with `streamed`, without that.
    """

    records = "documents"

    streamed: Callable[[], Iterator[Piece]] | None = None

    def pieces(self) -> Iterator[Piece]:
        """The documents in order, each in one piece or more, cut where `cut_at_lines` does."""
        if self.streamed is not None:
            return self.streamed()
        return chain.from_iterable(cut_at_lines([document]) for document in self.read())


def streamed(
    origin: str, pieces: Callable[[], Iterator[Piece]], checksum: Checksum, files: Checksum | None = None
) -> Documents:
    """Documents that are read in pieces."""

    def read() -> Iterator[str]:
        for _, parts in by_document(pieces()):
            yield "".join(text for text, _ in parts)

    return Documents(origin, read, functools.cache(checksum), files, streamed=pieces)


class _TextColumn(Columns):
    """The column that the recipe names for the Hub, or `text`."""

    def __init__(self, data: Data) -> None:
        super().__init__(("text",))
        self._known = list(dict.fromkeys([data.hub.text_column, "text"] if data.hub else ["text"]))

    def choose(self, names: Sequence[str]) -> tuple[int, ...] | None:
        return next(((names.index(name),) for name in self._known if name in names), None)

    def missing(self, where: str, names: Sequence[str]) -> str:
        return (
            f"{where} has no column {' or '.join(self._known)}; there are: {listed(sorted(names))}; rename one, or "
            "say which by --columns NAME"
        )

    def on_hub(self, hub: Hub) -> tuple[str, ...]:
        return (hub.text_column,)


class DocumentKind(Kind[str, Documents]):
    """Running text: a .txt file is a document; .jsonl, .csv and .parquet files have one per row."""

    noun = "text"
    reads = "running text"
    source_type = Documents
    blank = ""
    enough = f" ({WHOLE_DOCUMENTS} documents that differ, or longer ones, of {TAIL_SHARE} lines or more)"
    suffixes = (".txt", ".jsonl", ".csv", ".parquet")

    def __init__(self, data: Data) -> None:
        super().__init__(data, _TextColumn(data))

    def record(self, cells: Sequence[str]) -> str:
        """The text of a row as a .txt file would have it."""
        return cells[0].removeprefix("\ufeff").replace("\r\n", "\n")

    def texts(self, record: str) -> Sequence[str]:
        """The document."""
        return (record,)

    def as_bytes(self, record: str) -> bytes:
        """The bytes of a document that are hashed."""
        return _as_bytes((record, True))

    def hold_out(self, source: Documents, splits: Sequence[SplitName] = ("dev", "test")) -> dict[SplitName, Documents]:
        """Whole documents, or the last lines of each."""
        return hold_out(source, splits)

    def is_empty(self, source: Documents) -> bool:
        """Whether a source has only white space."""
        return not any(text and not text.isspace() for text, _ in source.pieces())

    def files(self, paths: Iterable[Path], reading: Reading) -> Documents:
        """The documents of files, and of all files in folders, in order."""
        return super().files((inner for path in paths for inner in self._expanded(path)), reading)

    def _expanded(self, path: Path) -> list[Path]:
        if not path.is_dir():
            return [path]
        files = sorted(inner for inner in path.rglob("*") if inner.is_file() and suffix_of(inner) in self.suffixes)
        if not files:
            formats = ", ".join(self.suffixes)
            raise DataError(f"{path} is a folder that holds none of {formats}; name another, or a file")
        if strange := next((file for file in files if any("\ud800" <= char <= "\udfff" for char in str(file))), None):
            raise DataError(f"{strange}: the name of this file is not UTF-8; rename it")
        return files

    def file(self, path: Path, reading: Reading) -> Documents:
        """The documents of one file; of .txt, in pieces. Raises DataError, at once or while reading."""
        self.must_be_readable(path)
        if suffix_of(path) != ".txt":
            rows = file_rows(path, self.columns, reading)[1]
            return self.source(str(path), lambda: map(self.record, rows()), lambda: checksum(path))
        if reading.columns:
            raise DataError(f"--columns is for tables: {path} has none")
        pieces = Unchanged(str(path), lambda: cut_at_lines(read_blocks(path, reading)), _as_bytes)
        return streamed(str(path), pieces, pieces.checksum, lambda: checksum(path))

    def joined(self, sources: Sequence[Documents]) -> Documents:
        """Several sources as one, in pieces."""
        return streamed(
            origin_of(sources),
            lambda: chain.from_iterable(source.pieces() for source in sources),
            lambda: part_checksum(*(source.checksum() for source in sources)),
            lambda: part_checksum(*(source.file_checksum() for source in sources)),
        )

    def mirror_names(self, split: SplitName) -> list[str]:
        """A document, or a row for each."""
        return [f"{split}.txt", f"{split}.jsonl"]

    def bundled(self) -> dict[SplitName, Documents] | None:
        """The play; of its last tenth, cut between two speeches, half is dev, half test. Or the assistant's texts."""
        texts = {"play": _play, "assistant": assistant.documents}.get(self.data.corpus)
        return {split: _bundled(self.data.corpus, split, texts) for split in SPLITS} if texts else None

    def write(self, new: Path, folder: Path, split: SplitName, records: Iterator[str]) -> list[str]:
        """As .txt where there is one document, else as .jsonl."""
        first = list(islice(records, 2))
        name = f"{split}.{'txt' if len(first) == 1 else 'jsonl'}"
        with (new / name).open("wb") as file:
            for document in chain(first, records):
                line = document if len(first) == 1 else json.dumps({"text": document}, ensure_ascii=False) + "\n"
                file.write(line.encode("utf-8", "replace"))
        return [name]


def hold_out(documents: Documents, splits: Sequence[SplitName] = ("dev", "test")) -> dict[SplitName, Documents]:
    """Hold text out for each of `splits`; the rest is `train`.

    Of 20 documents or more that differ, about 2 % for each split (one at least, about 2,000 at most), chosen by
    content: their order does not matter, and equal ones stay together. Of fewer, the last 5 % of each document's lines
    (one at least) for the last split, and as many before them for the one before it; a document of too few lines is all
    `train`.
    """

    @functools.cache
    def surveyed() -> tuple[array[int], array[int]]:
        return _survey(documents.pieces())

    @functools.cache
    def chosen() -> HeldOut:
        """No document where lines of each are held out."""
        fingerprints = surveyed()[0]
        chosen = choose(filter(None, fingerprints), splits)
        if chosen.distinct + fingerprints.count(0) >= WHOLE_DOCUMENTS:
            return chosen
        return HeldOut({}, 0, ", of each" if len(fingerprints) >= WHOLE_DOCUMENTS else "")

    def pieces(split: SplitName) -> Iterator[Piece]:
        fingerprints, lines = surveyed()
        whole = chosen().splits
        for number, parts in by_document(documents.pieces()):
            if not whole:
                yield from between(parts, *_bounds(lines[number], split, splits))
            elif whole.get(fingerprints[number], "train") == split:
                yield from parts

    def part(split: SplitName) -> Documents:
        described = f"{split} part, {' and '.join(splits)} held out"
        return streamed(
            f"{documents.origin} ({described})",
            lambda: pieces(split),
            lambda: part_checksum(documents.checksum(), described, TAIL_SHARE, sorted(chosen().splits.items())),
            lambda: part_checksum(documents.file_checksum(), f"{described}{chosen().otherwise}"),
        )

    return {split: part(split) for split in ("train", *splits)}


def _survey(pieces: Iterable[Piece]) -> tuple[array[int], array[int]]:
    """Of each document a fingerprint, 0 where it is blank, and how many lines it has."""
    fingerprints, lines = array("Q"), array("Q")
    for _, parts in by_document(pieces):
        digest, blank, count = hashlib.blake2b(digest_size=8), True, 0
        for text, _ in parts:
            digest.update(text.encode("utf-8", "surrogatepass"))
            blank = blank and (not text or text.isspace())
            count += line_count(text)
        fingerprints.append(0 if blank else int.from_bytes(digest.digest()))
        lines.append(count)
    return fingerprints, lines


def _bounds(lines: int, split: SplitName, splits: Sequence[SplitName]) -> tuple[int, int]:
    """Which of a document's lines are a split's: [start, end)."""
    tail = max(1, lines // TAIL_SHARE)
    rest = lines - tail * len(splits)
    if split == "train":
        return 0, rest if rest > 0 else lines
    start = rest + tail * splits.index(split)
    return (start, start + tail) if rest > 0 else (0, 0)


def _play(split: SplitName) -> list[str]:
    text = resources.files("seq2seq.data.bundled").joinpath("play.txt").read_text(encoding="utf-8")
    dev, test = (text.index("\n\n", len(text) * share // 20) + 2 for share in (18, 19))
    return [{"train": text[:dev], "dev": text[dev:test], "test": text[test:]}[split]]


def _bundled(name: str, split: SplitName, texts: Callable[[SplitName], list[str]]) -> Documents:
    def checksum_of() -> str:
        return hashlib.sha256(b"".join(_as_bytes((text, True)) for text in texts(split))).hexdigest()

    return Documents(f"bundled {name}, {split} part", lambda: iter(texts(split)), checksum_of)


def _as_bytes(piece: Piece) -> bytes:
    """The bytes of a piece that are hashed: the end of a document is a byte that UTF-8 never has."""
    text, ends = piece
    return text.encode("utf-8", "surrogatepass") + b"\xff" * ends
