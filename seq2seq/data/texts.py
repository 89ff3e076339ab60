"""Where running text comes from: files of the user, the local mirror, the Hub, or the play that ships with seqx, in
this order.

A document keeps its line ends (`\\r\\n` is made `\\n`); a byte order mark is dropped.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from seq2seq import recipe
from seq2seq.data import hub
from seq2seq.data.corpora import SPLITS, SplitName, mirrored, part_checksum
from seq2seq.data.documents import TAIL_SHARE, WHOLE_DOCUMENTS, Documents, Piece, cut_at_lines, hold_out, streamed
from seq2seq.data.formats import (
    Row,
    columns,
    must_hold_text,
    parquet_cells,
    read_json_lines,
    whole_cell,
)
from seq2seq.data.lines import PLAIN, Reading, read_blocks
from seq2seq.data.tables import no_text, suffix_of, text_table, told
from seq2seq.data.unchanged import Unchanged
from seq2seq.errors import DataError
from seq2seq.storage.checksums import checksum

__all__ = ["Documents", "TextCorpus", "files", "find", "from_hub", "hold_out"]

_SUFFIXES = (".txt", ".jsonl", ".csv", ".parquet")
_NAMED = 3  # files of a split that its origin names


@dataclass(frozen=True)
class TextCorpus:
    """Training, dev and test text, and how it was found."""

    name: str
    found: Literal["files", "mirror", "hub", "bundled", "overfit"]
    train: Documents
    dev: Documents
    test: Documents

    def record(self) -> dict[str, Any]:
        """For the run's record, in the form of a corpus of pairs: names, origins, checksums."""
        return {
            "name": self.name,
            "found": self.found,
            "train": [self.train.record()],
            "dev": self.dev.record(),
            "test": self.test.record(),
        }


def find(
    data: recipe.Data, given: dict[SplitName, Sequence[Path]] | None = None, *, reading: Reading = PLAIN
) -> TextCorpus:
    """The running text of a recipe: the user's files, else $SEQX_DATA, else the Hub. Raises MissingCorpusError where it
    is in none of these.

    Dev and test text that the user does not name is held out of the training text (`hold_out`). Raises DataError where
    files, or SEQX_DATA, were named and cannot be used, or a split is blank.
    """
    given = {split: paths for split, paths in (given or {}).items() if paths}
    if given:
        return _corpus("files", "files", _from_files(data, given, reading))
    if reading.columns:
        raise DataError(f"--columns {','.join(reading.columns)} is for tables given by --data, and there is none")
    if data.corpus == "play":
        return _corpus(data.corpus, "bundled", _play())
    if stored := _from_mirror(data, reading):
        return _corpus(data.corpus, "mirror", stored)
    return _corpus(data.corpus, "hub", hub.every_split(data, from_hub))


def files(paths: Sequence[Path], data: recipe.Data, reading: Reading = PLAIN) -> Documents:
    """The documents of files, and of all files in folders, in order: a .txt file is one, .jsonl, .csv (each .gz too)
    and .parquet files have one in each row.

    The column is `data.hub.text_column`, or `text`. Raises DataError, at once or while reading.
    """
    parts = [_file(inner, data, reading) for path in paths for inner in _expanded(path)]
    if len(parts) == 1:
        return parts[0]
    more = f" and {len(parts) - _NAMED} more" if len(parts) > _NAMED else ""
    return streamed(
        ", ".join(part.origin for part in parts[:_NAMED]) + more,
        lambda: chain.from_iterable(part.pieces() for part in parts),
        lambda: part_checksum(*(part.checksum() for part in parts)),
        lambda: part_checksum(*((part.files or part.checksum)() for part in parts)),
    )


def from_hub(place: recipe.Hub, split: SplitName) -> Documents:
    """A split from the Hub, one document a row. Raises DataError where it cannot be had."""
    origin, rows = hub.rows(place, split)

    def read() -> Iterator[str]:
        return (_plain(whole_cell(row, place.text_column, where)) for where, row in rows())

    unchanged = Unchanged(origin, read, lambda document: _as_bytes((document, True)))
    return Documents(origin, unchanged, unchanged.checksum)


def _corpus(
    name: str, found: Literal["files", "mirror", "hub", "bundled"], texts: dict[SplitName, Documents]
) -> TextCorpus:
    for split in SPLITS:
        if not any(text and not text.isspace() for text, _ in texts[split].pieces()):
            raise DataError(
                f"{texts[split].origin}: no text for {split}; give more text ({WHOLE_DOCUMENTS} documents that differ, "
                f"or longer ones, of {TAIL_SHARE} lines or more), or files of its own for {split}"
            )
    return TextCorpus(name, found, texts["train"], texts["dev"], texts["test"])


def _from_files(
    data: recipe.Data, given: dict[SplitName, Sequence[Path]], reading: Reading
) -> dict[SplitName, Documents]:
    texts = {split: files(paths, data, reading) for split, paths in given.items()}
    if "train" not in texts:
        raise DataError(f"files were given for {' and '.join(texts)}, none to train on: give --data")
    missing = [split for split in SPLITS if split not in texts]
    return {**texts, **hold_out(texts["train"], missing)} if missing else texts


def _expanded(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(inner for inner in path.rglob("*") if inner.is_file() and suffix_of(inner) in _SUFFIXES)
    if not found:
        raise DataError(f"{path} is a folder that holds none of {', '.join(_SUFFIXES)}; name another, or a file")
    if strange := next((inner for inner in found if any("\ud800" <= each <= "\udfff" for each in str(inner))), None):
        raise DataError(f"{strange}: the name of this file is not UTF-8; rename it")
    return found


def _file(path: Path, data: recipe.Data, reading: Reading) -> Documents:
    suffix = suffix_of(path)
    if suffix not in _SUFFIXES:
        raise DataError(f"{path}: running text is read from {', '.join(_SUFFIXES)}; rename or convert it")
    must_hold_text(path)
    if suffix == ".txt":
        if reading.columns:
            raise DataError(f"--columns is for tables: {path} has none")
        pieces = Unchanged(str(path), lambda: cut_at_lines(read_blocks(path, reading)), _as_bytes)
        return streamed(str(path), pieces, pieces.checksum, lambda: checksum(path))
    known = list(dict.fromkeys([data.hub.text_column, "text"] if data.hub else ["text"]))
    table = text_table(path, known, reading) if suffix == ".csv" else None

    def column_of(row: Mapping[str, Any]) -> str:
        present = list(columns(row))
        if reading.columns:
            return present[told(present, reading, 1, str(path))[0]]
        for column in known:
            if column in present:
                return column
        raise DataError(no_text(str(path), present, known))

    def read() -> Iterator[str]:
        if table:
            return (_plain(text) for (text,) in table.rows(reading))
        if suffix == ".parquet":
            cells = parquet_cells(path, lambda row: [column_of(row)], whole_cell)
            return (_plain(text) for (text,) in cells)
        return _cells(read_json_lines(path, reading), column_of)

    rows = Unchanged(str(path), read, lambda document: _as_bytes((document, True)))
    return Documents(str(path), rows, rows.checksum, files=lambda: checksum(path))


def _cells(rows: Iterable[Row], column_of: Callable[[Mapping[str, Any]], str]) -> Iterator[str]:
    column = ""
    for place, row in rows:
        column = column or column_of(row)
        yield _plain(whole_cell(row, column, place))


def _plain(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _from_mirror(data: recipe.Data, reading: Reading) -> dict[SplitName, Documents] | None:
    folder = mirrored(data)
    if folder is None:
        return None
    texts: dict[SplitName, Documents] = {}
    for split in SPLITS:
        paths = [folder / f"{split}{suffix}" for suffix in (".txt", ".jsonl")]
        present = [path for path in paths if path.exists()]
        if not present:
            raise DataError(
                f"{folder} (under SEQX_DATA) lacks {', or '.join(path.name for path in paths)}; "
                "fill it with `seqx data get`"
            )
        texts[split] = _file(present[0], data, reading)
    return texts


def _play() -> dict[SplitName, Documents]:
    """The bundled play; of its last tenth, cut between two speeches, half is dev, half test."""

    @functools.cache
    def parts() -> dict[SplitName, str]:
        text = resources.files("seq2seq.data.bundled").joinpath("play.txt").read_text(encoding="utf-8")
        dev, test = (text.index("\n\n", len(text) * share // 20) + 2 for share in (18, 19))
        return {"train": text[:dev], "dev": text[dev:test], "test": text[test:]}

    def documents(split: SplitName) -> Documents:
        return Documents(
            f"bundled play, {split} part",
            lambda: iter([parts()[split]]),
            functools.cache(lambda: hashlib.sha256(_as_bytes((parts()[split], True))).hexdigest()),
        )

    return {split: documents(split) for split in SPLITS}


def _as_bytes(piece: Piece) -> bytes:
    """What is hashed of a piece: where a document ends counts too, by a byte that UTF-8 never has."""
    text, ends = piece
    return text.encode("utf-8", "surrogatepass") + b"\xff" * ends
