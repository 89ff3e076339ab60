"""The layout of a table of text, judged by its first rows: its delimiter, whether its first line names the columns, and
which of these hold a record."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from seq2seq.data.compression import without_suffix
from seq2seq.data.lines import Reading, read_lines
from seq2seq.errors import DataError
from seq2seq.recipe import Hub
from seq2seq.storage.reading import LONGEST_LINE

_LINES, _CHARACTERS, _ROWS = 1000, 1 << 20, 100  # of a file, by which it is judged
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
NUMBER = re.compile(r"[\d\s.,:/+-]*\d[\d\s.,:/+-]*")
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class TableLayout:
    """The layout of a .csv or .tsv file. In a .tsv file a quotation mark is an ordinary character, unless every cell is
    quoted."""

    path: Path
    delimiter: str
    quoted: bool
    skipped: int  # lines before the rows: `sep=;`
    sample: tuple[list[str], ...]  # the first rows, the first line among them
    heading: bool = False  # whether the first line names the columns
    columns: tuple[int, ...] = ()  # of the text, counted from 0
    said: str = ""  # which columns, for the origin of the text: empty where they are the obvious ones

    def rows(self, reading: Reading) -> Iterator[list[str]]:
        """The text of each row, column by column, without the heading. Raises DataError."""
        lines = islice(read_lines(self.path, reading), self.skipped, None)
        rows = (
            _quoted(lines, self) if self.quoted else enumerate((line.split(self.delimiter) for line in lines), start=1)
        )
        for number, fields in islice(rows, int(self.heading), None):
            try:
                yield [fields[column] for column in self.columns]
            except IndexError:
                place = f"{self.path}, line {number + self.skipped}"
                if len(fields) < 2:
                    message = f"no tab in {fields[0][:40]!r}; each line is source, tab, target"
                else:
                    message = f"{len(fields)} columns, of which column {max(self.columns) + 1} is to be read"
                raise DataError(f"{place}: {message}") from None


class Columns:
    """Which columns of a table, or of rows with names, hold the fields of a record."""

    def __init__(self, fields: Sequence[str], numbers: Sequence[str] = ()) -> None:
        """`numbers`: fields that may be whole numbers in JSON and parquet."""
        self.fields = tuple(fields)
        self.numbers = [field in numbers for field in fields]

    def choose(self, names: Sequence[str]) -> tuple[int, ...] | None:
        """Which of the named columns hold the fields; None where they are not all there."""
        stripped = [name.strip() for name in names]
        return tuple(map(stripped.index, self.fields)) if {*self.fields} <= {*stripped} else None

    def named(self, table: TableLayout) -> tuple[int, ...] | None:
        """Which columns of a table hold the fields, by its first line; None where that does not name them."""
        return self.choose(table.sample[0])

    def placed(self, table: TableLayout) -> TableLayout:
        """A table with the places of its columns, where the user names none. Raises DataError where they are not known,
        or do not look like text."""
        columns = self.named(table)
        if columns is None:
            raise DataError(self.missing(str(table.path), table.sample[0]))
        return replace(table, heading=True, columns=columns)

    def missing(self, where: str, names: Sequence[str]) -> str:
        """The error where no columns have the names of the fields."""
        return (
            f"{where} has no columns {', '.join(self.fields)}; there are: {listed(names)}; rename them, or say which "
            f"by --columns {','.join(self.fields).upper()}"
        )

    def on_hub(self, hub: Hub) -> tuple[str, ...]:
        """The columns of a data set on the Hub that hold the fields."""
        return self.fields

    def given(self, names: Sequence[str], reading: Reading, where: str) -> tuple[int, ...]:
        """The columns that the user gave by name or number. Raises DataError: another number of them, or no such
        column."""
        option = f"--columns {','.join(reading.columns)}"
        if len(reading.columns) != len(self.fields):
            columns = f"{len(self.fields)} column{'s' * (len(self.fields) > 1)} ({', '.join(self.fields)})"
            raise DataError(f"{option}: {where} is read by {columns}, by name or number")
        chosen = []
        for name in reading.columns:
            index = int(name) - 1 if name.isdecimal() else [*map(str.strip, names), name].index(name)
            if not 0 <= index < len(names):
                raise DataError(f"{option}: {where} has no column {name}; there are {len(names)}: {listed(names)}")
            chosen.append(index)
        return tuple(chosen)


def read_table(path: Path, columns: Columns, reading: Reading) -> TableLayout:
    """A table of records, in the columns that the user names, else in those that `columns` says. Raises DataError where
    they are not known, or do not look like text."""
    table = _table(path, reading)
    if not reading.columns:
        return columns.placed(table)
    first, *rest = table.sample
    chosen = columns.given(first, reading, str(path))
    heading = (
        columns.named(table) is not None
        or not all(name.isdecimal() for name in reading.columns)
        or any(_titled(cell, [row[place] for row in rest if len(row) > place]) for place, cell in enumerate(first))
    )
    return replace(table, heading=heading, columns=chosen, said=columns_said(reading))


def columns_said(reading: Reading) -> str:
    """The columns that the user gave, for the origin of the text."""
    return f"columns {', '.join(reading.columns)}" if reading.columns else ""


def suffix_of(path: Path) -> str:
    """The suffix of the format: `.tsv` of a.TSV.gz too; empty of a .parquet.gz, which cannot be read."""
    inner = without_suffix(path.name)
    suffix = Path(inner).suffix.lower()
    return "" if suffix == ".parquet" and inner != path.name else suffix


def _table(path: Path, reading: Reading) -> TableLayout:
    lines: list[str] = []
    characters = 0
    for line in read_lines(path, reading):
        lines.append(line)
        characters += len(line)
        if len(lines) == _LINES or characters > _CHARACTERS:
            break
    else:
        lines.append("")  # the last row is complete
    if suffix_of(path) == ".tsv":
        rows = [line.split("\t") for line in lines[:-1][:_ROWS]] or [[""]]
        quoted = len(rows) > 1 and all(len(cell) > 1 and cell[0] == cell[-1] == '"' for row in rows[1:] for cell in row)
        return TableLayout(path, "\t", quoted, 0, tuple(_sample(lines, "\t") if quoted else rows))
    skipped = 1 if re.fullmatch("sep=.", lines[0]) else 0  # Excel's
    known = lines[0][4:] if skipped else "".join(_DELIMITERS)
    samples = {candidate: _sample(lines[skipped:], candidate) for candidate in known}
    even = [candidate for candidate in known if _even(samples[candidate])]
    # Where none splits all rows alike, the one that splits the first line most: errors then name it.
    delimiter = (even or sorted(known, key=lambda candidate: -len(samples[candidate][0])))[0]
    if not samples[delimiter][0]:
        raise DataError(f"{path}, line 1 holds carriage returns outside quotes; end lines in a line feed")
    return TableLayout(path, delimiter, True, skipped, tuple(samples[delimiter]))


def _sample(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The first rows, without the last one, which may be incomplete; empty ones where they are not CSV."""
    csv.field_size_limit(LONGEST_LINE)
    rows: list[list[str]] = []
    try:
        for row in csv.reader((line + "\n" for line in lines), delimiter=delimiter):
            rows.append(row)
    except csv.Error:
        return [*rows, [], []]
    return [row for row in rows[:-1] if row][:_ROWS] or rows[:1] or [[""]]


def _even(rows: Sequence[Sequence[str]]) -> bool:
    return len(rows[0]) > 1 and len({len(row) for row in rows}) == 1


def _quoted(lines: Iterator[str], table: TableLayout) -> Iterator[tuple[int, list[str]]]:
    characters = begun = 0  # of the row being read; the last line of the previous row

    def counted() -> Iterator[str]:
        nonlocal characters
        for line in lines:
            characters += len(line)
            if characters > LONGEST_LINE:
                raise csv.Error(f"a row of over {LONGEST_LINE:,} characters")
            yield line + "\n"

    csv.field_size_limit(LONGEST_LINE)  # the default, 128 kB, is less than some documents have
    reader = csv.reader(counted(), delimiter=table.delimiter, strict=True)
    width = len(table.sample[0])
    try:
        for fields in reader:
            if fields and len(fields) != width:
                raise DataError(
                    f"{table.path}, line {reader.line_num + table.skipped}: {len(fields)} columns, {width} in the "
                    f"first line; quote text that holds a {_DELIMITERS.get(table.delimiter, table.delimiter)}"
                )
            if fields:
                yield reader.line_num, fields
            begun, characters = reader.line_num, 0
    except csv.Error as error:
        hint = f"look for a quote that is not closed, from line {begun + 1 + table.skipped} on"
        if "expected after" in str(error):
            hint = "write a quote within quoted text twice"
        elif "unquoted field" in str(error):
            hint = "quote text that holds a line end (a carriage return counts)"
        raise DataError(f"{table.path}, line {reader.line_num + table.skipped}: not CSV ({error}); {hint}") from error


def _titled(first: str, others: Sequence[str]) -> bool:
    """Whether the first cell of a column is its name: a word, above numbers or texts."""
    if len(others) < 2 or not WORD.fullmatch(first) or NUMBER.fullmatch(first):
        return False
    words = [len(cell.split()) for cell in others]
    return all(NUMBER.fullmatch(cell) for cell in others) or min(words) > 4


def listed(columns: Sequence[str]) -> str:
    """Names of columns, for errors."""
    shown = ", ".join(column[:40] for column in columns[:20])
    return shown + (", ..." if len(columns) > 20 else "")
