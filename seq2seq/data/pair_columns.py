"""Which columns of a table hold sentence pairs: by the names of the languages, or the first two of .tsv."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seq2seq.data.languages import names
from seq2seq.data.tables import NUMBER, WORD, Columns, TableLayout, listed, suffix_of
from seq2seq.errors import DataError
from seq2seq.recipe import Data, Hub

_SEVERAL = 5  # rows; fewer may be equal by chance
_SOURCE, _TARGET = frozenset(("source", "src")), frozenset(("target", "tgt", "trg"))
# Words beside the name of a language in the name of a column: `sentence_fr`, `French text`.
_BESIDE = frozenset(("text", "texte", "sentence", "sentences", "string", "segment", "column", "lang", "language"))


class PairColumns(Columns):
    """The columns of the two sides."""

    def __init__(self, data: Data) -> None:
        super().__init__(("source", "target"))
        self.data = data

    def choose(self, names: Sequence[str]) -> tuple[int, ...] | None:
        """By the names of the columns: `fr`, `translation.fr`, `source`, `French text`."""
        return _sides(names, self.data)

    def named(self, table: TableLayout) -> tuple[int, ...] | None:
        """By the first line, unless that is an ordinary row of language codes."""
        first, second = table.sample[0], (*table.sample, [])[1]
        columns = self.choose(first)
        codes = columns and any(first[column] in second[column : column + 1] for column in columns)
        return None if codes else columns

    def placed(self, table: TableLayout) -> TableLayout:
        """By name, else the first two columns of .tsv, where they look like text."""
        if self.named(table) is None and suffix_of(table.path) == ".tsv":
            _must_look_like_text(table)
            return replace(table, columns=(0, 1))
        placed = super().placed(table)
        titles = [table.sample[0][column] for column in placed.columns]
        usual = tuple(title.strip() for title in titles) in ((self.data.source, self.data.target), self.fields)
        # Of a comma-separated table, the usual names need not be said.
        return placed if usual and table.delimiter == "," else replace(placed, said=f"columns {', '.join(titles)}")

    def missing(self, where: str, names: Sequence[str]) -> str:
        """The error where no column has the name of a side."""
        return (
            f"{where} has no columns {self.data.source} and {self.data.target}, nor source and target; there are: "
            f"{listed(names)}; rename them, or say which by --columns SOURCE,TARGET (names; numbers, as 1,2, where the "
            "first line is text already)"
        )

    def on_hub(self, hub: Hub) -> tuple[str, ...]:
        """The columns of the two sides, in the direction of the recipe: a column that is named by a language holds it,
        whichever side a recipe of the other direction named it for."""
        columns = hub.source_column, hub.target_column
        source, target = (column.rpartition(".")[2].casefold() for column in columns)
        if source in names(self.data.target) or target in names(self.data.source):
            return columns[::-1]
        return columns


def _sides(columns: Sequence[str], data: Data) -> tuple[int, int] | None:
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


def _names(column: str, known: frozenset[str]) -> bool:
    words = WORD.findall(column.casefold())
    beside = (word in known or word in _BESIDE or (number and len(word) == 2) for number, word in enumerate(words))
    return any(word in known for word in words) and all(beside)


def _must_look_like_text(table: TableLayout) -> None:
    """Raise DataError where the first two columns do not look like text."""
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
    """Why the cells of a column do not look like text; else an empty string."""
    if all(NUMBER.fullmatch(cell) for cell in cells[1:]):  # the first may be the column's name
        return "numbers alone"
    if len(cells) >= _SEVERAL and len({*cells[1:]}) == 1:
        return f"{cells[1][:20]!r} in every line"
    return ""
