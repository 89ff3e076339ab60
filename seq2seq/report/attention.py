"""Attention as a picture: for each kind a block, in it a row for each layer and a panel for each head; PNG or SVG.

Lengths are in inches. All is drawn on one pair of axes, whose unit is an inch: one for each panel would take longer
than all the rest.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from seq2seq.decoding.attention import KINDS, Attention, AttentionMap, Kind, plain, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
_POINTS = 72  # an inch
_LABEL, _TITLE, _HEADING = 8.0, 12.0, 10.0  # points
_LEAST_LABEL = 4.5  # points: smaller ones are left out, all but each n-th
_LONGEST_LABEL = 16  # characters
_NUMBERED = 14  # tokens of a side: cells of a panel by itself then say how much
_DPI = 110
_INK, _MUTED, _FRAME, _ACCENT = "#1b1f24", "#5b6570", "#b8c0c9", "#174a8b"
_SCALE = [(255, 255, 255), (207, 224, 245), (138, 180, 227), (63, 125, 196), (23, 74, 139), (10, 35, 80)]  # 0 to 1
_HIDDEN, _ALLOWED = (230, 232, 235), (178, 189, 202)
_MASK = 0.9  # the side of a mask at most
_FONTS = ("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "Microsoft YaHei", "Yu Gothic")


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
    kinds: Sequence[Kind] = tuple(KINDS),
    layer: int | None = None,
    head: int | None = None,
    name: str = "",
) -> bytes:
    """A picture of what a model attends to: all layers and heads, their means and the masks; or one `layer`, one
    `head` (from 1), some kinds. `name` says whose attention it is."""
    import matplotlib
    from matplotlib.figure import Figure

    blocks = [_block(each, layer, head) for each in attention.maps if each.kind in kinds]
    width = max(6.0, *(block.size[0] for block in blocks)) + 2 * _MARGIN
    title = _title(attention, name, width - 2 * _MARGIN)
    top = _MARGIN + _LINE * (1.3 * len(title) + 0.5)
    height = top + sum(block.size[1] for block in blocks) + _MARGIN
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # drawn as a box
        matplotlib.rcdefaults()  # ignore a matplotlibrc in the working directory
        matplotlib.rcParams["font.family"] = _fonts(attention)
        matplotlib.rcParams.update({"svg.hashsalt": "seqx", "svg.fonttype": "none"})  # texts stay texts
        figure = Figure(figsize=(width, height), facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        _write_title(axes, title)
        _write_scale(axes, width - _MARGIN, top + 0.5 * _LINE)
        frames = []
        for block in blocks:
            frames += _draw(axes, block, top)
            top += block.size[1]
        # One line with gaps: many lines would take as long as the images.
        axes.plot(*np.concatenate(frames, axis=1), color=_FRAME, linewidth=0.6)
        axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")  # which images change
        file = BytesIO()
        undated = {"Software": None} if form == "png" else {"Date": None, "Creator": None}
        figure.savefig(
            file, format=form, dpi=_DPI, metadata={"Title": f"Attention: {plain(attention.text)}", **undated}
        )
    return file.getvalue()


def _fonts(attention: Attention) -> list[str]:
    """Fonts to look for letters in; those beyond the first are searched for only where they may be needed."""
    if max(map(ord, attention.text + attention.output), default=0) < 0x2E80:
        return [_FONTS[0]]
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return [name for name in _FONTS if name in installed]


def _title(attention: Attention, name: str, width: float) -> list[tuple[str, str, float]]:
    """Lines with colour and size."""
    lines = [(name, _MUTED, _LABEL)] if name else []
    for text, colour in ((attention.text, _INK), (attention.output, _ACCENT)):
        line = " ".join(plain(text).split())
        large, small = (int(width * _POINTS / (0.7 * points)) for points in (_TITLE, _HEADING))
        if len(line) <= large:
            lines += [(line, colour, _TITLE)] * bool(line)
        else:
            folded = textwrap.wrap(line, small, max_lines=3, placeholder=" …")
            lines += [(each, colour, _HEADING) for each in folded]
    return lines


def _write_title(axes: Axes, lines: list[tuple[str, str, float]]) -> None:
    for number, (line, colour, points) in enumerate(lines):
        weight = "bold" if points == _TITLE else "normal"
        _text(axes, _MARGIN, _MARGIN + 1.3 * _LINE * (number + 0.5), line, points, color=colour, weight=weight)


def _write_scale(axes: Axes, right: float, middle: float) -> None:
    """The colours and what they mean, in one line that ends at `right`."""
    top, bottom = middle - 0.05, middle + 0.05
    _image(axes, _coloured(np.linspace(0, 1, 64)[None]), (right - 1.35, right - 0.15, bottom, top))
    _image(axes, np.array([[_HIDDEN]], np.uint8), (right - 2.7, right - 2.55, bottom, top))
    for place, label, side in ((1.41, "0", "right"), (0.1, "1", "left"), (2.49, "hidden", "left")):
        _text(axes, right - place, middle, label, _LABEL, ha=side, color=_MUTED)


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
    return min(_LABEL, max(0.8 * space * _POINTS / max(1, count), _LEAST_LABEL))


def _longest(tokens: Sequence[str], space: float) -> float:
    """The length of the longest label, about."""
    longest = max((len(_short(each)) for each in shown(tokens)), default=0)
    return 0.62 * longest * _points(len(tokens), space) / _POINTS


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…"


def _draw(axes: Axes, block: _Block, top: float) -> list[NDArray[np.float64]]:
    """Draw a block; returns the frames of its panels, x and y (2, 6) each, the last point a gap."""
    found, frames = block.found, []
    _text(axes, _MARGIN, top + 0.5 * _LINE, KINDS[found.kind].capitalize(), _HEADING, color=_INK, weight="bold")
    _text(axes, _MARGIN, top + 1.4 * _LINE, _ROWS[found.kind], _LABEL, color=_MUTED)
    first, left = top + _HEAD + block.above, _MARGIN + block.left
    lefts = [left + place * (block.width + _GAP) for place in range(len(block.names) + 1)]
    for name, place in zip(block.names, lefts):
        _text(axes, place, first - block.above - 0.04, name, _LABEL, color=_MUTED, va="bottom")
        for label, offset, points in _labels(found.keys, block.width):
            at = place + offset
            _text(axes, at, first - 0.05, label, points, ha="center", va="bottom", rotation=90, color=_INK)
    for number, (name, panels) in enumerate(block.rows):
        below = first + number * (block.height + _GAP)
        _text(axes, _MARGIN + 0.06, below + block.height / 2, name, _LABEL, color=_MUTED, ha="center", rotation=90)
        for label, offset, points in _labels(_rows_of(found), block.height):
            _text(axes, left - 0.06, below + offset, label, points, ha="right", color=_INK)
        for panel, place in zip(panels, lefts):
            frames.append(_panel(axes, _coloured(panel, found.mask), place, below, (block.width, block.height)))
            if block.alone and max(panel.shape) <= _NUMBERED:
                _write_percentages(axes, panel, place, below, block)
    colours = np.where(found.mask[..., None], _ALLOWED, _HIDDEN).astype(np.uint8)
    _text(axes, lefts[-1] + _GAP, first - 0.05, "mask", _LABEL, color=_MUTED, va="bottom")
    return [*frames, _panel(axes, colours, lefts[-1] + _GAP, first, block.mask)]


def _panel(
    axes: Axes, colours: NDArray[np.uint8], left: float, top: float, size: tuple[float, float]
) -> NDArray[np.float64]:
    """Draw the image of a panel; returns its frame."""
    right, bottom = left + size[0], top + size[1]
    _image(axes, colours, (left, right, bottom, top))
    return np.array([[left, right, right, left, left, np.nan], [top, top, bottom, bottom, top, np.nan]])


def _write_percentages(axes: Axes, panel: NDArray[np.float32], left: float, top: float, block: _Block) -> None:
    T, S = panel.shape
    for t, s in np.argwhere(panel >= 0.01):
        x, y = left + (s + 0.5) * block.width / S, top + (t + 0.5) * block.height / T
        colour = "white" if panel[t, s] > 0.45 else _INK
        _text(axes, x, y, f"{100 * panel[t, s]:.0f}", _LABEL - 1, ha="center", color=colour)


def _coloured(weights: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """Weights (T, S) as colours (T, S, 3)."""
    steps = np.linspace(0, 1, len(_SCALE))
    colours = np.stack([np.interp(weights, steps, channel) for channel in zip(*_SCALE)], axis=-1)
    return (colours if mask is None else np.where(mask[..., None], colours, _HIDDEN)).round().astype(np.uint8)


def _image(axes: Axes, colours: NDArray[np.uint8], extent: tuple[float, float, float, float]) -> None:
    axes.imshow(colours, extent=extent, aspect="auto", interpolation="none")


def _labels(tokens: Sequence[str], space: float) -> Iterator[tuple[str, float, float]]:
    """Labels, each with its place and its size in points; each n-th where there are too many."""
    points = _points(len(tokens), space)
    each = space / max(1, len(tokens))
    step = max(1, round(_LEAST_LABEL / (0.9 * each * _POINTS)))
    for place, label in enumerate(shown(tokens)):
        if place % step == 0:
            yield _short(label), (place + 0.5) * each, points


def _text(axes: Axes, x: float, y: float, text: str, points: float, *, va: str = "center", **style: Any) -> None:
    axes.text(x, y, text, fontsize=points, va=va, parse_math=False, **style)
