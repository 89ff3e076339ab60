"""Files of pairs, whatever their format, as text that can be read any number of times; rows of any file."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seq2seq import recipe
from seq2seq.checksums import checksum
from seq2seq.data.lines import EncodingErrors, read_lines, read_pairs
from seq2seq.data.unchanged import Unchanged, pair_bytes
from seq2seq.errors import DataError
from seq2seq.reading import parse_json

Pair = tuple[str, str]
Checksum = Callable[[], str]
Row = tuple[str, Mapping[str, Any]]  # where it stands, for errors; its columns

_LINE_END = re.compile(r"\r\n|\n")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ROWS = 256  # of a parquet file, read at a time: few enough where each is a whole book


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

    def record(self) -> dict[str, Any]:
        """For the run's record."""
        content = self.checksum()
        if self.references:
            content = hashlib.sha256(f"{content} {json.dumps(self.references)}".encode()).hexdigest()
        return {"origin": self.origin, "sha256": (self.files or self.checksum)(), "content": content}


def file_pair(source: Path, target: Path, errors: EncodingErrors = "strict") -> Text:
    """The pairs of two files (.gz too), line for line. Raises DataError, at once or while reading."""
    for path in (source, target):
        must_hold_text(path)
    return _of_files(
        f"{source}, {target}",
        lambda: read_pairs(source, target, errors),
        lambda: f"{checksum(source)} {checksum(target)}",
    )


def pair_file(path: Path, data: recipe.Data, errors: EncodingErrors = "strict") -> Text:
    """The pairs of one file: .tsv (source, tab, target; more is ignored), .jsonl or .csv, each .gz too, or .parquet.

    Columns are named by language (`fr`, `en`, or nested in `translation`), or `source` and `target`. Raises DataError,
    at once or while reading.
    """
    readers: dict[str, Callable[[], Iterator[Pair]]] = {
        ".tsv": lambda: _read_tsv(path, errors),
        ".jsonl": lambda: _pairs(read_json_lines(path, errors), path, data),
        ".csv": lambda: _pairs(read_csv(path, errors), path, data),
        ".parquet": lambda: _parquet_pairs(path, data),
    }
    suffix = suffix_of(path)
    if suffix not in readers:
        raise DataError(
            f"{path}: pairs are read from .tsv, .jsonl, .csv or .parquet; convert it, or give a file of each side"
        )
    must_hold_text(path)
    return _of_files(str(path), readers[suffix], lambda: checksum(path))


def _of_files(origin: str, read: Callable[[], Iterator[Pair]], files: Checksum) -> Text:
    unchanged = Unchanged(origin, read, pair_bytes)
    return Text(origin, unchanged, unchanged.checksum, files=files)


def read_json_lines(path: Path, errors: EncodingErrors = "strict") -> Iterator[Row]:
    """The objects of a .jsonl file, each with its place. Raises DataError."""
    for number, line in enumerate(read_lines(path, errors), start=1):
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


def suffix_of(path: Path) -> str:
    """What the name says of the format: `.tsv` of a.TSV.gz too; nothing of a .parquet.gz, which nobody can read."""
    name = path.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    return "" if suffix == ".parquet" and name.endswith(".gz") else suffix


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


def _read_tsv(path: Path, errors: EncodingErrors) -> Iterator[Pair]:
    for number, line in enumerate(read_lines(path, errors), start=1):
        fields = line.split("\t")
        if len(fields) < 2:
            raise DataError(f"{path}, line {number}: no tab in {line[:40]!r}; each line is source, tab, target")
        yield fields[0], fields[1]


def read_csv(path: Path, errors: EncodingErrors = "strict") -> Iterator[Row]:
    """The rows of a .csv file by the names in its first line. Raises DataError."""
    reader = csv.reader((line + "\n" for line in read_lines(path, errors)), strict=True)
    try:
        header = next(reader, [])
        for fields in reader:
            place = f"{path}, line {reader.line_num}"
            if fields and len(fields) != len(header):
                raise DataError(
                    f"{place}: {len(fields)} columns, {len(header)} in the first line; quote text that holds a comma"
                )
            if fields:
                yield place, dict(zip(header, fields))
    except csv.Error as error:
        raise DataError(
            f"{path}, line {reader.line_num}: not CSV ({error}); look for a quote that is not closed"
        ) from error


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
            for batch in file.iter_batches(batch_size=_ROWS, columns=sorted({name.split(".")[0] for name in names})):
                for row in batch.to_pylist():
                    number += 1
                    yield [take(row, name, f"{path}, row {number}") for name in names]
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a whole parquet file of text ({error}); fetch or make it again") from error


def _parquet_pairs(path: Path, data: recipe.Data) -> Iterator[Pair]:
    cells = parquet_cells(path, lambda row: _side_columns(row, str(path), data), cell)
    return ((source, target) for source, target in cells)


def _pairs(rows: Iterable[Row], path: Path, data: recipe.Data) -> Iterator[Pair]:
    names: tuple[str, str] | None = None
    for place, row in rows:
        names = names or _side_columns(row, str(path), data)
        yield cell(row, names[0], place), cell(row, names[1], place)


def _side_columns(row: Mapping[str, Any], path: str, data: recipe.Data) -> tuple[str, str]:
    present = set(columns(row))
    for prefix, left, right in (
        ("", data.source, data.target),
        ("translation.", data.source, data.target),
        ("", "source", "target"),
    ):
        if {prefix + left, prefix + right} <= present:
            return prefix + left, prefix + right
    raise DataError(
        f"{path} has no columns {data.source} and {data.target}, nor source and target; "
        f"there are: {', '.join(sorted(present))}; rename them, or set data.source and data.target"
    )
