"""Files of rows (.tsv, .csv, .jsonl, .parquet) as the text of the columns that hold a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seq2seq.data.lines import PLAIN, Reading, read_lines
from seq2seq.data.tables import Columns, columns_said, read_table, suffix_of
from seq2seq.errors import DataError
from seq2seq.storage.reading import LONGEST_LINE, parse_json

Row = tuple[str, Mapping[str, Any]]  # its place, for errors; its columns
RowReader = Callable[[], Iterator[list[str]]]
# The columns of a row that hold a record, and whether they may be whole numbers.
ChooseColumns = Callable[[Mapping[str, Any]], list[tuple[str, bool]]]

_SURROGATE = re.compile("[\ud800-\udfff]")
_ROWS = 16  # of a parquet file, read at a time: each may be a whole book


def file_rows(path: Path, columns: Columns, reading: Reading) -> tuple[str, RowReader]:
    """A description of the chosen columns of a file, empty where they are the obvious ones, and a reader of their text
    row by row. Raises DataError, at once or while reading."""
    suffix = suffix_of(path)
    if suffix in (".tsv", ".csv"):
        table = read_table(path, columns, reading)
        return table.said, lambda: table.rows(reading)

    def chosen(row: Mapping[str, Any]) -> list[tuple[str, bool]]:
        names = list(column_names(row))
        places = columns.given(names, reading, str(path)) if reading.columns else columns.choose(names)
        if places is None:
            raise DataError(columns.missing(str(path), sorted(names)))
        return [(names[place], number) for place, number in zip(places, columns.numbers)]

    if suffix == ".parquet":
        return columns_said(reading), lambda: _parquet_rows(path, chosen)
    return columns_said(reading), lambda: _json_rows(read_json_lines(path, reading), chosen)


def _json_rows(rows: Iterable[Row], choose: ChooseColumns) -> Iterator[list[str]]:
    columns: list[tuple[str, bool]] = []
    for place, row in rows:
        columns = columns or choose(row)
        yield [cell(row, name, place, number) for name, number in columns]


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


def cell(row: Mapping[str, Any], column: str, place: str, number: bool = False) -> str:
    """The text of a column (`translation.fr` is a nested one); null is blank text. It may be a whole `number`.

    Raises DataError: no such column, or not text.
    """
    value: Any = row
    for part in column.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise DataError(f"{place}: no column {column}; there are: {', '.join(column_names(row))}")
        value = value[part]
    if value is None:
        return ""
    if number and type(value) is int:
        return str(value)
    if not isinstance(value, str):
        raise DataError(f"{place}, column {column}: {value!r} is not text; write it as text")
    if len(value) > LONGEST_LINE:
        raise DataError(f"{place}, column {column} is over {LONGEST_LINE:,} characters long; break it into rows")
    # JSON can escape half a surrogate pair, which UTF-8 cannot encode.
    return _SURROGATE.sub("\ufffd", value)


def column_names(row: Mapping[str, Any]) -> Iterator[str]:
    """The names of a row's columns, nested ones as `translation.fr`."""
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in value)
        else:
            yield str(name)


def must_hold_text(path: Path) -> None:
    """Raise DataError where a path is not a file that can be read repeatedly."""
    if not path.exists():
        raise DataError(f"no file {path}; check the path")
    if path.is_dir():
        raise DataError(f"{path} is a folder; name a file in it")
    if not path.is_file():
        raise DataError(f"{path} is a pipe or a device, and text is read more than once: write it to a file first")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; check how it was made")


def _parquet_rows(path: Path, choose: ChooseColumns) -> Iterator[list[str]]:
    """The text of some columns, which `choose` names from a row that has all columns but no values."""
    columns: list[tuple[str, bool]] = []

    def chosen(empty: Mapping[str, Any]) -> list[str]:
        columns.extend(choose(empty))
        return [name for name, _ in columns]

    for place, row in read_parquet(path, chosen):
        yield [cell(row, name, place, number) for name, number in columns]


def read_parquet(path: Path, choose: Callable[[Mapping[str, Any]], list[str]] = list) -> Iterator[Row]:
    """The rows of a parquet file, each with its place, with those columns, nested ones as `translation.fr`, that
    `choose` names from a row that has all columns but no values; by default with all. Raises DataError."""
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
            columns = choose(empty)
            count = 0
            chosen = sorted({name.split(".")[0] for name in columns})
            rows = min(_ROWS, LONGEST_LINE // _row_size(file.metadata, columns))
            if not rows:
                raise DataError(f"{path}: rows are over {LONGEST_LINE:,} bytes long; break them into more rows")
            for batch in file.iter_batches(batch_size=rows, columns=chosen):
                for row in batch.to_pylist():
                    count += 1
                    yield f"{path}, row {count}", row
    except MemoryError as error:
        raise DataError(
            f"{path}: a page of it needs more memory than there is ({error}); write smaller rows"
        ) from error
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a whole parquet file of text ({error}); fetch or make it again") from error


def _row_size(metadata: Any, names: Sequence[str]) -> int:
    """Bytes of a row of a parquet file: the largest mean over a group of rows, by its metadata."""
    longest = 1
    for group in (metadata.row_group(index) for index in range(metadata.num_row_groups)):
        columns = (group.column(index) for index in range(group.num_columns))
        size = sum(column.total_uncompressed_size for column in columns if column.path_in_schema in names)
        longest = max(longest, size // max(1, group.num_rows))
    return longest
