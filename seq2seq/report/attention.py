"""Attention as a picture: for each kind a block, in it a row for each layer and a panel for each head; PNG or SVG.

Lengths are in inches.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from seq2seq.decoding.attention import KINDS, Attention, AttentionMap, plain, shown
from seq2seq.report.drawing import POINTS, Colours, Drawing

if TYPE_CHECKING:
    from seq2seq.model.recording import AttentionKind

_ROWS = {
    "cross": "rows: what the decoder writes, columns: what it looks at in the source",
    "decoder": "rows: the token just read, columns: what it looks at",
    "encoder": "rows: each token, columns: what it looks at",
}
_MARGIN, _GAP, _LINE = 0.25, 0.12, 0.2
_HEAD = 3 * _LINE  # of a block
_CELL, _LARGE_CELL = 0.17, 0.42  # of a panel among many, and of one by itself
_SMALLEST, _LARGEST = 0.9, 2.8  # panels among many
_MOST = 7.0  # a panel by itself
_LABEL, _TITLE, _HEADING = 8.0, 12.0, 10.0  # points
_LEAST_LABEL = 4.5  # points: smaller ones are left out, all but each n-th
_LONGEST_LABEL = 16  # characters
_NUMBERED = 14  # tokens of a side: cells of a panel by itself then say how much
_INK, _MUTED, _ACCENT = "#1b1f24", "#5b6570", "#174a8b"
_SCALE = [(255, 255, 255), (207, 224, 245), (138, 180, 227), (63, 125, 196), (23, 74, 139), (10, 35, 80)]  # 0 to 1
_HIDDEN, _ALLOWED = (230, 232, 235), (178, 189, 202)
_MASK = 0.9  # the side of a mask at most


@dataclass(frozen=True)
class _Block:
    """One kind of attention: a row for each layer, a panel for each matrix (T, S), the mask at the end of the first."""

    found: AttentionMap
    names: list[str]  # of the panels of a row
    rows: list[tuple[str, list[NDArray[np.float32]]]]
    width: float  # of a panel
    height: float
    left: float  # space of the labels of rows
    above: float  # space of those of columns

    @property
    def alone(self) -> bool:
        """Whether one panel is all."""
        return len(self.rows) == len(self.names) == 1

    @property
    def mask(self) -> tuple[float, float]:
        """Width and height of the mask."""
        scale = min(1.0, _MASK / max(self.width, self.height))
        return scale * self.width, scale * self.height

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of all."""
        across = self.left + len(self.names) * (self.width + _GAP) + self.mask[0] + 2 * _GAP
        return across, _HEAD + self.above + len(self.rows) * (self.height + _GAP) + _LINE


def picture(
    attention: Attention,
    form: Literal["png", "svg"] = "png",
    *,
    kinds: Sequence[AttentionKind] = tuple(KINDS),
    layer: int | None = None,
    head: int | None = None,
    name: str = "",
) -> bytes:
    """A picture of what a model attends to: all layers and heads, their means and the masks; or one `layer`, one
    `head` (from 1), some kinds. `name` says whose attention it is."""
    blocks = [_block(each, layer, head) for each in attention.maps if each.kind in kinds]
    width = max(6.0, *(block.size[0] for block in blocks)) + 2 * _MARGIN
    title = _title(attention, name, width - 2 * _MARGIN)
    top = _MARGIN + _LINE * (1.3 * len(title) + 0.5)
    height = top + sum(block.size[1] for block in blocks) + _MARGIN
    drawing = Drawing(width, height)
    _write_title(drawing, title)
    _write_scale(drawing, width - _MARGIN, top + 0.5 * _LINE)
    for block in blocks:
        _draw(drawing, block, top)
        top += block.size[1]
    named = f"Attention: {_line(attention.text)}"
    return drawing.svg(named) if form == "svg" else drawing.png(named)


def _title(attention: Attention, name: str, width: float) -> list[tuple[str, str, float]]:
    """Lines with colour and size."""
    lines = [(_line(name), _MUTED, _LABEL)] if name else []
    for text, colour in ((attention.text, _INK), (attention.output, _ACCENT)):
        line = _line(text)
        large, small = (int(width * POINTS / (0.7 * points)) for points in (_TITLE, _HEADING))
        if len(line) <= large:
            lines += [(line, colour, _TITLE)] * bool(line)
        else:
            folded = textwrap.wrap(line, small, max_lines=3, placeholder=" …")
            lines += [(each, colour, _HEADING) for each in folded]
    return lines


def _line(text: str) -> str:
    """A text in one line, what cannot be seen written as escapes."""
    return " ".join(plain(text).split())


def _write_title(drawing: Drawing, lines: list[tuple[str, str, float]]) -> None:
    for number, (line, colour, points) in enumerate(lines):
        middle = _MARGIN + 1.3 * _LINE * (number + 0.5)
        drawing.text(_MARGIN, middle, line, points, colour=colour, bold=points == _TITLE)


def _write_scale(drawing: Drawing, right: float, middle: float) -> None:
    """The colours and what they mean, in one line that ends at `right`."""
    drawing.image(_coloured(np.linspace(0, 1, 64)[None]), (right - 1.35, middle - 0.05), (1.2, 0.1))
    drawing.image(np.array([[_HIDDEN]], np.uint8), (right - 2.7, middle - 0.05), (0.15, 0.1))
    drawing.text(right - 1.41, middle, "0", _LABEL, colour=_MUTED, align="right")
    drawing.text(right - 0.1, middle, "1", _LABEL, colour=_MUTED)
    drawing.text(right - 2.49, middle, "hidden", _LABEL, colour=_MUTED)


def _block(found: AttentionMap, layer: int | None, head: int | None) -> _Block:
    heads = range(len(found.layers[0]))
    shown_heads = [h for h in heads if head in (None, h + 1)]
    mean = len(shown_heads) > 1
    names = ["mean"] * mean + [f"head {h + 1}" for h in shown_heads]
    rows = [
        (f"layer {number}", [each.mean(0)] * mean + [each[h] for h in shown_heads])
        for number, each in enumerate(found.layers, start=1)
        if layer in (None, number)
    ]
    T, S = found.mask.shape
    alone = len(rows) == len(names) == 1
    cell, smallest, largest = (_LARGE_CELL, 1.5, _MOST) if alone else (_CELL, _SMALLEST, _LARGEST)
    width, height = (min(max(cell * count, smallest), largest) for count in (S, T))
    left = _longest(_rows_of(found), height) + 0.45
    return _Block(found, names, rows, width, height, left, _longest(found.keys, width) + 0.1)


def _rows_of(found: AttentionMap) -> Sequence[str]:
    """The tokens that label rows: in cross-attention what is being written."""
    return found.predicted if found.kind == "cross" else found.queries


def _points(count: int, space: float) -> float:
    """The size of labels that share a space."""
    return min(_LABEL, max(0.8 * space * POINTS / max(1, count), _LEAST_LABEL))


def _longest(tokens: Sequence[str], space: float) -> float:
    """The length of the longest label, about."""
    longest = max((len(_short(each)) for each in shown(tokens)), default=0)
    return 0.62 * longest * _points(len(tokens), space) / POINTS


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…"


def _draw(drawing: Drawing, block: _Block, top: float) -> None:
    found, size = block.found, (block.width, block.height)
    drawing.text(_MARGIN, top + 0.5 * _LINE, KINDS[found.kind].capitalize(), _HEADING, colour=_INK, bold=True)
    drawing.text(_MARGIN, top + 1.4 * _LINE, _ROWS[found.kind], _LABEL, colour=_MUTED)
    first, left = top + _HEAD + block.above, _MARGIN + block.left
    lefts = [left + place * (block.width + _GAP) for place in range(len(block.names) + 1)]
    for name, place in zip(block.names, lefts):
        drawing.text(place, first - block.above - 0.04, name, _LABEL, colour=_MUTED, above=True)
        for label, offset, points in _labels(found.keys, block.width):
            drawing.text(place + offset, first - 0.05, label, points, colour=_INK, upwards=True)
    for number, (name, panels) in enumerate(block.rows):
        below = first + number * (block.height + _GAP)
        middle = below + block.height / 2
        drawing.text(_MARGIN + 0.06, middle, name, _LABEL, colour=_MUTED, align="center", upwards=True)
        for label, offset, points in _labels(_rows_of(found), block.height):
            drawing.text(left - 0.06, below + offset, label, points, align="right", colour=_INK)
        for panel, place in zip(panels, lefts):
            drawing.image(_coloured(panel, found.mask), (place, below), size, framed=True)
            if block.alone and max(panel.shape) <= _NUMBERED:
                _write_percentages(drawing, panel, place, below, block)
    colours = np.where(found.mask[..., None], _ALLOWED, _HIDDEN).astype(np.uint8)
    drawing.text(lefts[-1] + _GAP, first - 0.05, "mask", _LABEL, colour=_MUTED, above=True)
    drawing.image(colours, (lefts[-1] + _GAP, first), block.mask, framed=True)


def _write_percentages(drawing: Drawing, panel: NDArray[np.float32], left: float, top: float, block: _Block) -> None:
    T, S = panel.shape
    for t, s in np.argwhere(panel >= 0.01):
        x, y = left + (s + 0.5) * block.width / S, top + (t + 0.5) * block.height / T
        colour = "white" if panel[t, s] > 0.45 else _INK
        drawing.text(x, y, f"{100 * panel[t, s]:.0f}", _LABEL - 1, align="center", colour=colour)


def _coloured(weights: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> Colours:
    """Weights (T, S) as colours (T, S, 3)."""
    steps = np.linspace(0, 1, len(_SCALE))
    colours = np.stack([np.interp(weights, steps, channel) for channel in zip(*_SCALE)], axis=-1)
    return (colours if mask is None else np.where(mask[..., None], colours, _HIDDEN)).round().astype(np.uint8)


def _labels(tokens: Sequence[str], space: float) -> Iterator[tuple[str, float, float]]:
    """Labels, each with its place and its size in points; each n-th where there are too many."""
    points = _points(len(tokens), space)
    each = space / max(1, len(tokens))
    step = max(1, round(_LEAST_LABEL / (0.9 * each * POINTS)))
    for place, label in enumerate(shown(tokens)):
        if place % step == 0:
            yield _short(label), (place + 0.5) * each, points
