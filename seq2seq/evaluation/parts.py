"""What a report consists of: sections of tables, charts and texts, without a word on how they look.

Tasks and comparisons make them, `seq2seq/report/` shows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seq2seq.decoding.attention import AttentionMap

Interval = tuple[float | None, float | None]
Cell = str | int | float | Interval | None


@dataclass(frozen=True)
class Paragraph:
    """A sentence or two."""

    text: str


@dataclass(frozen=True)
class Code:
    """A command to copy."""

    text: str
    caption: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells. Numbers are shown with a few digits, those of `exact` tables with six."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    exact: bool = False
    folded: bool = False  # shown when the caption is clicked
    sortable: bool = False


@dataclass(frozen=True)
class Matrix:
    """Counts of what was (rows) and what a model said (columns), both by the same names."""

    caption: str
    names: Sequence[str]
    counts: Sequence[Sequence[int]]


@dataclass(frozen=True)
class ChartLine:
    """A line of a chart. `marked` points are drawn, those of others are only joined."""

    name: str
    points: Sequence[tuple[float, float]]
    marked: bool = False


@dataclass(frozen=True)
class Chart:
    """Lines over one axis. A `diagonal` is where x and y are equal."""

    title: str
    x: str
    y: str
    lines: Sequence[ChartLine]
    diagonal: bool = False


@dataclass(frozen=True)
class LabelledOutput:
    """One output of a model, beside its reference, whose other words are marked; `label` says which it is."""

    label: str
    text: str
    note: str = ""


@dataclass(frozen=True)
class Answers:
    """An input, its reference, which may be empty, and outputs of models."""

    source: str
    reference: str
    outputs: Sequence[LabelledOutput]


@dataclass(frozen=True)
class Texts:
    """Inputs with their outputs."""

    caption: str
    answers: Sequence[Answers]
    folded: bool = False


@dataclass(frozen=True)
class AttentionMaps:
    """Which tokens of a text attend to which: a map of each kind, or of some."""

    caption: str
    maps: Sequence[AttentionMap]


Part = Paragraph | Code | Table | Matrix | Chart | Texts | AttentionMaps


@dataclass(frozen=True)
class PageSection:
    """A heading and what is below it; nothing is shown of one without parts."""

    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Page:
    """A whole page."""

    title: str
    kind: str  # of the page, for example: training report
    summary: Sequence[tuple[str, str]] = ()  # the most important figures, each with a label
    sections: Sequence[PageSection] = field(default_factory=list)
