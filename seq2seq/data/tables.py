"""How a table of text is laid out, judged by its first rows: what parts its columns, whether its first line names them,
and which of them hold the text."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from seq2seq import recipe
from seq2seq.data.compression import without_suffix
from seq2seq.data.languages import names
from seq2seq.data.lines import Reading, read_lines
from seq2seq.errors import DataError
from seq2seq.storage.reading import LONGEST_LINE

_LINES, _CHARACTERS, _ROWS = 1000, 1 << 20, 100  # of a file, to judge it by
_SEVERAL = 5  # rows: fewer may be alike by chance
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_NUMBER = re.compile(r"[\d\s.,:/+-]*\d[\d\s.,:/+-]*")
_WORD = re.compile(r"[^\W_]+")
_SOURCE, _TARGET = frozenset(("source", "src")), frozenset(("target", "tgt", "trg"))
# What may stand beside the name of a language where a column is named: `sentence_fr`, `French text`.
_BESIDE = frozenset(("text", "texte", "sentence", "sentences", "string", "segment", "column", "lang", "language"))


@dataclass(frozen=True)
class Table:
    """The layout of a .csv or .tsv file. In a .tsv file a quotation mark is a character like others, unless every cell
    is quoted."""

    path: Path
    delimiter: str
    quoted: bool
    skipped: int  # lines before the rows: `sep=;`
    sample: tuple[list[str], ...]  # the first rows, the first line among them
    heading: bool = False  # whether the first line names the columns
    columns: tuple[int, ...] = ()  # of the text, counted from 0
    said: str = ""  # which columns, for the origin of the text: nothing where it is a matter of course

    def rows(self, reading: Reading) -> Iterator[list[str]]:
        """The text of each row, column by column, without the heading. Raises DataError."""
        lines = islice(read_lines(self.path, reading), self.skipped, None)
        rows = _quoted(lines, self) if self.quoted else _split(lines, self)
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


def pair_table(path: Path, data: recipe.Data, reading: Reading) -> Table:
    """A table of pairs: the columns that the user names, else those that the first line names, else, of .tsv, the first
    two. Raises DataError where they are not to be told, or do not look like text."""
    table = _table(path, reading)
    first = table.sample[0]
    named = sides(first, data)
    if (
        named
        and len(table.sample) > 1
        and any(first[column] in table.sample[1][column : column + 1] for column in named)
    ):
        named = None  # a column of language codes
    if reading.columns:
        return _as_told(table, reading, 2, heading=named is not None)
    if named is not None:
        usual = tuple(first[column].strip() for column in named) in ((data.source, data.target), ("source", "target"))
        said = "" if usual and table.delimiter == "," else f"columns {first[named[0]]}, {first[named[1]]}"
        return replace(table, heading=True, columns=named, said=said)
    if suffix_of(path) != ".tsv":
        raise DataError(no_sides(str(path), first, data))
    _question(table)
    return replace(table, columns=(0, 1))


def text_table(path: Path, known: Sequence[str], reading: Reading) -> Table:
    """A table of running text: the column that the user names, else the first of those `known` that is there."""
    table = _table(path, reading)
    name = next((name for name in known if name in table.sample[0]), None)
    if reading.columns:
        return _as_told(table, reading, 1, heading=name is not None)
    if name is not None:
        return replace(table, heading=True, columns=(table.sample[0].index(name),))
    raise DataError(no_text(str(path), table.sample[0], known))


def sides(columns: Sequence[str], data: recipe.Data) -> tuple[int, int] | None:
    """Which columns hold the source and the target, by their names: `fr`, `translation.fr`, `source`, `French text`."""
    for prefix, source, target in (
        ("", data.source, data.target),
        ("translation.", data.source, data.target),
        ("", "source", "target"),
    ):
        if {prefix + source, prefix + target} <= {*columns}:
            return columns.index(prefix + source), columns.index(prefix + target)
    left, right = (
        [index for index, name in enumerate(columns) if _names(name, known)]
        for known in (names(data.source) | _SOURCE, names(data.target) | _TARGET)
    )
    return (left[0], right[0]) if len(left) == len(right) == 1 and left != right else None


def told(columns: Sequence[str], reading: Reading, count: int, where: str) -> tuple[int, ...]:
    """Which columns the user names, by name or number. Raises DataError: another count of them, or no such column."""
    if len(reading.columns) != count:
        needed = "two columns, the source and the target" if count == 2 else "one column"
        raise DataError(f"--columns {','.join(reading.columns)}: {where} is read by {needed}, by name or number")
    found = []
    for name in reading.columns:
        index = int(name) - 1 if name.isdecimal() else ([each.strip() for each in columns] + [name]).index(name)
        if not 0 <= index < len(columns):
            raise DataError(
                f"--columns {','.join(reading.columns)}: {where} has no column {name}; there are "
                f"{len(columns)}: {_listed(columns)}"
            )
        found.append(index)
    return tuple(found)


def no_sides(where: str, columns: Sequence[str], data: recipe.Data) -> str:
    """The error where no column is named as a side is."""
    return (
        f"{where} has no columns {data.source} and {data.target}, nor source and target; there are: "
        f"{_listed(columns)}; rename them, or say which by --columns SOURCE,TARGET (names; numbers, as 1,2, where the "
        "first line is text already)"
    )


def no_text(where: str, columns: Sequence[str], known: Sequence[str]) -> str:
    """The error where no column is named as running text is."""
    return (
        f"{where} has no column {' or '.join(known)}; there are: {_listed(sorted(columns))}; rename one, or "
        "say which by --columns NAME"
    )


def columns_said(reading: Reading) -> str:
    """Which columns the user names, for the origin of the text."""
    return f"columns {', '.join(reading.columns)}" if reading.columns else ""


def suffix_of(path: Path) -> str:
    """What the name says of the format: `.tsv` of a.TSV.gz too; nothing of a .parquet.gz, which nobody can read."""
    inner = without_suffix(path.name)
    suffix = Path(inner).suffix.lower()
    return "" if suffix == ".parquet" and inner != path.name else suffix


def _table(path: Path, reading: Reading) -> Table:
    lines: list[str] = []
    characters = 0
    for line in read_lines(path, reading):
        lines.append(line)
        characters += len(line)
        if len(lines) == _LINES or characters > _CHARACTERS:
            break
    else:
        lines.append("")  # the last row is whole
    if suffix_of(path) == ".tsv":
        rows = [line.split("\t") for line in lines[:-1][:_ROWS]] or [[""]]
        quoted = len(rows) > 1 and all(len(cell) > 1 and cell[0] == cell[-1] == '"' for row in rows[1:] for cell in row)
        return Table(path, "\t", quoted, 0, tuple(_sample(lines, "\t") if quoted else rows))
    skipped = 1 if re.fullmatch("sep=.", lines[0]) else 0  # Excel's
    known = lines[0][4:] if skipped else "".join(_DELIMITERS)
    samples = {each: _sample(lines[skipped:], each) for each in known}
    even = [each for each in known if _even(samples[each])]
    # Where none parts all rows alike, the one that parts the first line: errors then name it.
    delimiter = (even or sorted(known, key=lambda each: -len(samples[each][0])))[0]
    if not samples[delimiter][0]:
        raise DataError(f"{path}, line 1 holds carriage returns outside quotes; end lines in a line feed")
    return Table(path, delimiter, True, skipped, tuple(samples[delimiter]))


def _sample(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The first rows, but for the last of the lines, which may be half of one; an empty one where they are not CSV."""
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


def _split(lines: Iterator[str], table: Table) -> Iterator[tuple[int, list[str]]]:
    return ((number, line.split(table.delimiter)) for number, line in enumerate(lines, start=1))


def _quoted(lines: Iterator[str], table: Table) -> Iterator[tuple[int, list[str]]]:
    characters = begun = 0  # of the row that is being read; the last line of the row before it

    def counted() -> Iterator[str]:
        nonlocal characters
        for line in lines:
            characters += len(line)
            if characters > LONGEST_LINE:
                raise csv.Error(f"a row of over {LONGEST_LINE:,} characters")
            yield line + "\n"

    csv.field_size_limit(LONGEST_LINE)  # a document may be longer than the 128 kB that a field may have at first
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


def _as_told(table: Table, reading: Reading, count: int, *, heading: bool) -> Table:
    first, *rest = table.sample
    columns = told(first, reading, count, str(table.path))
    by_name = not all(name.isdecimal() for name in reading.columns)
    titled = any(_titled(cell, [row[column] for row in rest if len(row) > column]) for column, cell in enumerate(first))
    return replace(table, heading=heading or by_name or titled, columns=columns, said=columns_said(reading))


def _titled(first: str, others: Sequence[str]) -> bool:
    """Whether the first cell of a column names it: it is a word, and those below are numbers, or texts."""
    if len(others) < 2 or not _WORD.fullmatch(first) or _NUMBER.fullmatch(first):
        return False
    words = [len(cell.split()) for cell in others]
    return all(_NUMBER.fullmatch(cell) for cell in others) or min(words) > 4


def _question(table: Table) -> None:
    """Raise DataError where the first two columns are hardly the text that is meant."""
    rows = [row for row in table.sample if len(row) > 1]
    width = min(map(len, rows), default=0)
    odd = [_odd([row[column] for row in rows]) for column in range(width)] if len(rows) > 1 else []
    wrong = next((column for column, reason in enumerate(odd[:2]) if reason), None)
    if wrong is None:
        return
    text = [str(column + 1) for column, reason in enumerate(odd) if not reason]
    look = f"; columns {' and '.join(text)} look like text" if len(text) > 1 else ""
    raise DataError(
        f"{table.path}: column {wrong + 1} of {width} holds {odd[wrong]}{look}: name the two by --columns "
        f"{','.join(text[:2]) if len(text) > 1 else 'SOURCE,TARGET'} (--columns 1,2 where they are right)"
    )


def _odd(cells: Sequence[str]) -> str:
    """Why cells of a column are hardly text; or nothing."""
    if all(_NUMBER.fullmatch(cell) for cell in cells[1:]):  # the first may name it
        return "numbers alone"
    if len(cells) >= _SEVERAL and len({*cells[1:]}) == 1:
        return f"{cells[1][:20]!r} in every line"
    return ""


def _names(column: str, known: frozenset[str]) -> bool:
    words = _WORD.findall(column.casefold())
    beside = (word in known or word in _BESIDE or (number and len(word) == 2) for number, word in enumerate(words))
    return any(word in known for word in words) and all(beside)


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(column[:40] for column in columns[:20])
    return shown + (", ..." if len(columns) > 20 else "")
