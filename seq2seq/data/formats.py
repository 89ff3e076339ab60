"""Files of pairs, whatever their format, as text that can be read any number of times; rows of any file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seq2seq import recipe
from seq2seq.data.lines import PLAIN, Reading, read_lines, read_pairs
from seq2seq.data.tables import columns_said, no_sides, pair_table, sides, suffix_of, told
from seq2seq.data.unchanged import Unchanged, pair_bytes
from seq2seq.errors import DataError
from seq2seq.storage.checksums import checksum
from seq2seq.storage.reading import LONGEST_LINE, parse_json

Pair = tuple[str, str]
Checksum = Callable[[], str]
Row = tuple[str, Mapping[str, Any]]  # where it stands, for errors; its columns

_LINE_END = re.compile(r"\r\n|\n")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ROWS = 16  # of a parquet file, read at a time: each may be a whole book, that the file holds but once


@dataclass(frozen=True)
class Text:
    """One split: pairs that can be read any number of times, and where they are from.

    `checksum` is of what is read, in the order in which it is read: whatever the files, their columns and formats.
    `files` has the checksums of the files, where they are others.
    """

    origin: str
    read: Callable[[], Iterator[Pair]]
    checksum: Checksum
    references: dict[str, list[str]] = field(default_factory=dict)  # more references of a source sentence, where known
    files: Checksum | None = None
    whole: Text | None = None  # the text that this one is part of
    lines: Callable[[], Iterator[tuple[int, Pair]]] | None = None  # the same with the numbers that they have there

    def numbered(self) -> Iterator[tuple[int, Pair]]:
        """The pairs with their numbers, counted from 1, in the text as the user has it."""
        return self.lines() if self.lines else enumerate(self.read(), start=1)

    def record(self) -> dict[str, Any]:
        """For the run's record."""
        content = self.checksum()
        if self.references:
            content = hashlib.sha256(f"{content} {json.dumps(self.references)}".encode()).hexdigest()
        return {"origin": self.origin, "sha256": (self.files or self.checksum)(), "content": content}


def file_pair(source: Path, target: Path, reading: Reading = PLAIN) -> Text:
    """The pairs of two files (compressed too), line for line. Raises DataError, at once or while reading."""
    for path in (source, target):
        must_hold_text(path)
    if reading.columns:
        raise DataError(f"--columns is for tables given by --data: {source} and {target} hold a side each")
    return _of_files(
        f"{source}, {target}",
        lambda: read_pairs(source, target, reading),
        lambda: f"{checksum(source)} {checksum(target)}",
    )


def pair_file(path: Path, data: recipe.Data, reading: Reading = PLAIN) -> Text:
    """The pairs of one file: .tsv (source, tab, target; more is ignored), .jsonl or .csv, compressed too, or .parquet.

    Columns are those that the user names; else they are named by language (`fr`, `en`, or nested in `translation`), or
    `source` and `target`. Raises DataError, at once or while reading.
    """
    suffix = suffix_of(path)
    if suffix not in (".tsv", ".jsonl", ".csv", ".parquet"):
        raise DataError(
            f"{path}: pairs are read from .tsv, .jsonl, .csv or .parquet; convert it, or give a file of each side"
        )
    must_hold_text(path)
    table = pair_table(path, data, reading) if suffix in (".tsv", ".csv") else None
    said = table.said if table else columns_said(reading)

    def read() -> Iterator[Pair]:
        if table:
            return ((_LINE_END.sub(" ", source), _LINE_END.sub(" ", target)) for source, target in table.rows(reading))
        if suffix == ".parquet":
            return _parquet_pairs(path, data, reading)
        return _pairs(read_json_lines(path, reading), path, data, reading)

    # Other columns, or a first line that names them, are another text.
    return _of_files(f"{path} ({said})" if said else str(path), read, lambda: f"{checksum(path)} {said}".strip())


def _of_files(origin: str, read: Callable[[], Iterator[Pair]], files: Checksum) -> Text:
    unchanged = Unchanged(origin, read, pair_bytes)
    return Text(origin, unchanged, unchanged.checksum, files=files)


def read_json_lines(path: Path, reading: Reading = PLAIN) -> Iterator[Row]:
    """The objects of a .jsonl file, each with its place. Raises DataError."""
    for number, line in enumerate(read_lines(path, reading), start=1):
        place = f"{path}, line {number}"
        try:
            row = parse_json(line)
        except ValueError as error:
            raise DataError(f"{place}: not JSON ({error}); each line is one JSON object") from error
        if not isinstance(row, dict):
            raise DataError(f"{place}: {line[:40]!r} is not a JSON object; each line is one")
        yield place, row


def cell(row: Mapping[str, Any], column: str, place: str) -> str:
    """As `whole_cell`, line ends made blanks."""
    return _LINE_END.sub(" ", whole_cell(row, column, place))


def whole_cell(row: Mapping[str, Any], column: str, place: str) -> str:
    """The text of a column (`translation.fr` is a nested one); null is blank text.

    Raises DataError: no such column, or not text.
    """
    value: Any = row
    for part in column.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise DataError(f"{place}: no column {column}; there are: {', '.join(columns(row))}")
        value = value[part]
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(f"{place}, column {column}: {value!r} is not text; write it as text")
    if len(value) > LONGEST_LINE:
        raise DataError(f"{place}, column {column} is over {LONGEST_LINE:,} characters long; break it into rows")
    # JSON can escape half a surrogate pair, which UTF-8 has no bytes for.
    return _SURROGATE.sub("\ufffd", value)


def digest(pairs: Iterable[Pair]) -> str:
    """A checksum of text that has no file of its own."""
    found = hashlib.sha256()
    for pair in pairs:
        found.update(pair_bytes(pair))
    return found.hexdigest()


def columns(row: Mapping[str, Any]) -> Iterator[str]:
    """The names of a row's columns, nested ones as `translation.fr`."""
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in value)
        else:
            yield str(name)


def must_hold_text(path: Path) -> None:
    """Raise DataError where a path is of nothing that can be read again and again."""
    if not path.exists():
        raise DataError(f"no file {path}; check the path")
    if path.is_dir():
        raise DataError(f"{path} is a folder; name a file in it")
    if not path.is_file():
        raise DataError(f"{path} is a pipe or a device, and text is read more than once: write it to a file first")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; check how it was made")


def parquet_cells(
    path: Path,
    choose: Callable[[Mapping[str, Any]], Sequence[str]],
    take: Callable[[Mapping[str, Any], str, str], str],
) -> Iterator[list[str]]:
    """The text of some columns of a .parquet file, row by row: `choose` names them from a row that has all columns but
    no values, `take` is `cell` or `whole_cell`. Raises DataError.
    """
    import pyarrow  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            empty = {
                column.name: dict.fromkeys(inner.name for inner in column.type)
                if pyarrow.types.is_struct(column.type)
                else None
                for column in file.schema_arrow
            }
            names = choose(empty)
            number = 0
            chosen = sorted({name.split(".")[0] for name in names})
            rows = min(_ROWS, LONGEST_LINE // _row_size(file.metadata, names))
            if not rows:
                raise DataError(f"{path}: rows are over {LONGEST_LINE:,} bytes long; break them into more rows")
            for batch in file.iter_batches(batch_size=rows, columns=chosen):
                for row in batch.to_pylist():
                    number += 1
                    yield [take(row, name, f"{path}, row {number}") for name in names]
    except MemoryError as error:
        raise DataError(
            f"{path}: a page of it needs more memory than there is ({error}); write smaller rows"
        ) from error
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a whole parquet file of text ({error}); fetch or make it again") from error


def _row_size(metadata: Any, names: Sequence[str]) -> int:
    """Bytes of the longest rows of a parquet file, on average over a group of rows, by what it says of itself."""
    longest = 1
    for group in (metadata.row_group(index) for index in range(metadata.num_row_groups)):
        columns = (group.column(index) for index in range(group.num_columns))
        size = sum(each.total_uncompressed_size for each in columns if each.path_in_schema in names)
        longest = max(longest, size // max(1, group.num_rows))
    return longest


def _parquet_pairs(path: Path, data: recipe.Data, reading: Reading) -> Iterator[Pair]:
    cells = parquet_cells(path, lambda row: _side_columns(row, str(path), data, reading), cell)
    return ((source, target) for source, target in cells)


def _pairs(rows: Iterable[Row], path: Path, data: recipe.Data, reading: Reading) -> Iterator[Pair]:
    names: tuple[str, ...] = ()
    for place, row in rows:
        names = names or _side_columns(row, str(path), data, reading)
        yield cell(row, names[0], place), cell(row, names[1], place)


def _side_columns(row: Mapping[str, Any], path: str, data: recipe.Data, reading: Reading) -> tuple[str, ...]:
    present = list(columns(row))
    found = told(present, reading, 2, path) if reading.columns else sides(present, data)
    if found is None:
        raise DataError(no_sides(path, sorted(present), data))
    return tuple(present[column] for column in found)
