"""Kinds of record: how rows of files and of the Hub become records, and what is hashed and held out of them.

A kind whose records are named tuples of text, a column each, is a subclass of `Kind` that defines only its
`record_type`. A kind that is stored or read differently overrides the methods in which it differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Generic

from seq2seq.data.corpus import SPLITS, Checksum, Given, Record, Source, SourceT, SplitName
from seq2seq.data.folding import fold
from seq2seq.data.hold_out import SHARE, hold_out, part_checksum
from seq2seq.data.lines import PLAIN, Reading
from seq2seq.data.rows import cell, file_rows, must_hold_text, read_json_lines, read_parquet
from seq2seq.data.tables import Columns, suffix_of
from seq2seq.data.unchanged import Unchanged, row_bytes
from seq2seq.errors import DataError
from seq2seq.recipe import Data, Hub
from seq2seq.storage.checksums import checksum
from seq2seq.storage.jsonl import json_line

_NAMED = 3  # files of a split that its origin names


class Kind(Generic[Record, SourceT]):
    """One kind of record, for the corpus of a recipe."""

    noun: ClassVar[str] = "record"
    reads: ClassVar[str] = "records"
    record_type: Callable[..., Any]
    source_type: type[SourceT] = Source  # type: ignore[assignment]
    suffixes: ClassVar[tuple[str, ...]] = (".tsv", ".jsonl", ".csv", ".parquet")
    numbers: ClassVar[tuple[str, ...]] = ()  # fields that may be whole numbers in JSON and parquet
    compared_by: ClassVar[slice] = slice(None)  # the fields by which records are compared
    blank: ClassVar[str] = " but such as are blank on a side"  # how blank records are excepted, in a message
    enough: ClassVar[str] = ""  # how much text is needed to hold some out, in a message
    files_option: ClassVar[str] = "--data"
    held_out_share: ClassVar[int] = SHARE  # where files of dev or test are missing: one record in so many for each

    def __init__(self, data: Data, columns: Columns | None = None) -> None:
        self.data = data
        self.columns = columns or Columns(self.record_type._fields, self.numbers)  # type: ignore[attr-defined]

    @property
    def fields(self) -> tuple[str, ...]:
        """The texts of a record, by name, in the order of `record_type`."""
        return self.columns.fields

    def record(self, cells: Sequence[str]) -> Record:
        """The record of a row, given the text of its columns."""
        record: Record = self.record_type(*cells)
        return record

    def on_hub(self, hub: Hub) -> Callable[[Mapping[str, Any], str], Record]:
        """What makes a record of a row, and of its place, of a data set on the Hub. Raises DataError."""
        columns = list(zip(self.columns.on_hub(hub), self.columns.numbers))
        return lambda row, place: self.record([cell(row, name, place, number) for name, number in columns])

    # How records are compared.

    def texts(self, record: Record) -> Sequence[str]:
        """The texts of a record, one per field."""
        return record  # type: ignore[return-value]

    @property
    def compared(self) -> tuple[str, ...]:
        """The fields whose texts an audit looks for in the training text."""
        return self.fields[self.compared_by]

    def held_out_by(self, record: Record) -> Sequence[str]:
        """The texts by which a record is held out: records that share them stay together."""
        return self.texts(record)[self.compared_by]

    def as_bytes(self, record: Record) -> bytes:
        """The bytes of a record that are hashed."""
        return row_bytes(self.texts(record))

    def hold_out(self, source: SourceT, splits: Sequence[SplitName] = ("dev", "test")) -> dict[SplitName, SourceT]:
        """Hold text out for each of `splits`; the rest is `train`."""
        return hold_out(source, splits, noun=self.noun, texts=self.held_out_by, share=self.held_out_share)

    def is_empty(self, source: SourceT) -> bool:
        """Whether every record of a source has a blank text."""
        return not any(all(map(fold, self.texts(record))) for record in source.read())

    # Where records are read from.

    def source(self, origin: str, read: Callable[[], Iterator[Record]], files: Checksum | None = None) -> SourceT:
        """The records of `read` as a source: reading them again raises DataError where they changed."""
        unchanged = Unchanged(origin, read, self.as_bytes)
        return self.source_type(origin, unchanged, unchanged.checksum, files=files)

    def file(self, path: Path, reading: Reading) -> SourceT:
        """The records of one file. Raises DataError, at once or while reading."""
        self.must_be_readable(path)
        said, rows = file_rows(path, self.columns, reading)
        # With other columns, or a first line that names them, it is another text.
        return self.source(
            f"{path} ({said})" if said else str(path),
            lambda: map(self.record, rows()),
            lambda: f"{checksum(path)} {said}".strip(),
        )

    def file_of_rows(
        self, path: Path, reading: Reading, of_row: Callable[[Mapping[str, Any], str], Record], suffixes: Sequence[str]
    ) -> SourceT:
        """The records of one file of objects, each made of a whole row and its place; of files with other suffixes, and
        where columns are named, as `Kind.file`."""
        self.must_be_readable(path)
        suffix = suffix_of(path)
        if suffix not in suffixes or reading.columns:
            return Kind.file(self, path, reading)
        rows = partial(read_parquet, path) if suffix == ".parquet" else partial(read_json_lines, path, reading)
        return self.source(str(path), lambda: (of_row(row, place) for place, row in rows()), lambda: checksum(path))

    def must_be_readable(self, path: Path) -> None:
        """Raise DataError where a file has no format of this kind, or cannot be read repeatedly."""
        if suffix_of(path) not in self.suffixes:
            verb = "are" if self.reads.endswith("s") else "is"
            formats = f"{', '.join(self.suffixes[:-1])} or {self.suffixes[-1]}"
            raise DataError(
                f"{path}: {self.reads} {verb} read from {formats}; rename or convert it, and give {self.files_option}"
            )
        must_hold_text(path)

    def files(self, paths: Iterable[Path], reading: Reading) -> SourceT:
        """The records of files, in order."""
        sources = [self.file(path, reading) for path in paths]
        return sources[0] if len(sources) == 1 else self.joined(sources)

    def joined(self, sources: Sequence[SourceT]) -> SourceT:
        """Several sources as one."""
        return joined(self.source_type, sources)

    def given(self, split: SplitName, given: Given, reading: Reading) -> SourceT:
        """The records of the files that the user named for a split. Raises DataError, at once or while reading."""
        if side := given.source_file or given.target_file:
            raise DataError(
                f"{split}: {side} is a side of sentence pairs, and this recipe reads {self.reads}; give --data"
            )
        return self.files(given.data, reading)

    def mirror_names(self, split: SplitName) -> list[str]:
        """The files of a split, any of which a folder under $SEQX_DATA may hold."""
        return [f"{split}{suffix}" for suffix in self.suffixes]

    def mirrored(self, folder: Path, split: SplitName, reading: Reading) -> SourceT | None:
        """The records of a split in a folder under $SEQX_DATA; None where it holds none."""
        paths = [folder / name for name in self.mirror_names(split)]
        present = next((path for path in paths if path.exists()), None)
        return self.file(present, reading) if present else None

    def complete(self, folder: Path) -> bool:
        """Whether a folder under $SEQX_DATA holds every split."""
        return all(self.mirrored(folder, split, PLAIN) is not None for split in SPLITS)

    def bundled(self) -> dict[SplitName, SourceT] | None:
        """The splits of the recipe's corpus where it ships with seqx."""
        return None

    # How records are written.

    def write(self, new: Path, folder: Path, split: SplitName, records: Iterator[Record]) -> list[str]:
        """Write a split to a `new` folder, which will replace `folder`, so that it is found there (`mirrored`);
        returns the names of its files. Raises DataError where other files of `folder` would no longer fit them."""
        name = f"{split}.jsonl"
        with (new / name).open("wb") as file:
            file.writelines(map(self.line, records))
        return [name]

    def line(self, record: Record) -> bytes:
        """A record as a line of a .jsonl file."""
        return json_line(dict(zip(self.fields, self.texts(record), strict=True)))

    def replaced(self, split: SplitName) -> list[str]:
        """Files of a split that must not stay in a folder beside those of `write`."""
        return self.mirror_names(split)


def joined(source_type: type[SourceT], sources: Sequence[SourceT]) -> SourceT:
    """Several sources as one of their type."""
    return source_type(
        origin_of(sources),
        lambda: chain.from_iterable(source.read() for source in sources),
        lambda: part_checksum(*(source.checksum() for source in sources)),
        lambda: part_checksum(*(source.file_checksum() for source in sources)),
    )


def origin_of(sources: Sequence[Source[Any]]) -> str:
    """The origin of several files as one."""
    more = f" and {len(sources) - _NAMED} more" if len(sources) > _NAMED else ""
    return ", ".join(source.origin for source in sources[:_NAMED]) + more
