"""Pictures of the notes: one style, colours that colour-blind people can tell apart, PNG or SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito (2008), without yellow, which is faint on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DOTS = 100  # per inch
_STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.prop_cycle": f"cycler(color={COLOURS})",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "image.cmap": "Blues",
    "svg.hashsalt": "seqx",
}


@contextmanager
def style() -> Iterator[None]:
    """Within the block figures are made in the style of the notes, whatever matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def panels(*widths: float, height: float = 3.6, width: float = 8.4) -> tuple[Figure, Sequence[Axes]]:
    """A figure, in inches, with panels side by side of some relative widths."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
    return figure, list(axes)


def label(axes: Axes, title: str, x: str, y: str) -> None:
    """Name a panel and its axes."""
    axes.set_title(title, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def matrix(axes: Axes, values: Tensor, *, x: Sequence[str] = (), y: Sequence[str] = (), **options: Any) -> Any:
    """A matrix (rows, columns) as a heat map, with the names of its columns and rows; returns the image."""
    image = axes.imshow(values.numpy(), aspect="auto", interpolation="nearest", **options)
    if x:
        axes.set_xticks(range(len(x)), x)
    if y:
        axes.set_yticks(range(len(y)), y)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return image


def network(axes: Axes, edges: Tensor, names: Sequence[str], colours: Sequence[str]) -> None:
    """A directed graph on a circle; edges (T, S) lead from column to row."""
    angles = [2 * math.pi * number / len(names) for number in range(len(names))]
    places = [(math.sin(angle), math.cos(angle)) for angle in angles]
    curved: Any = {"arrowstyle": "-|>", "connectionstyle": "arc3,rad=0.12", "color": "#777777"}
    for end, start in edges.nonzero().tolist():
        if end != start:
            arrow = FancyArrowPatch(places[start], places[end], mutation_scale=12, shrinkA=14, shrinkB=14, **curved)
            axes.add_patch(arrow)
    for (across, up), name, colour in zip(places, names, colours):
        axes.plot(across, up, "o", markersize=20, color=colour)
        axes.annotate(name, (across, up), (0, -18), textcoords="offset points", ha="center", fontsize=8)
    axes.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.25), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def shown(text: str, blank: str = "␣") -> str:
    """A character or a token, with visible blanks and line ends; a dollar sign is no formula."""
    visible = text.replace(" ", blank).replace("\n", "↵").replace("▁", blank).replace("$", r"\$")
    return "".join(each if each.isprintable() else "·" for each in visible)


def smooth(values: Sequence[float], share: float = 0.9) -> list[float]:
    """The exponential moving average of a curve, without a bias towards its beginning."""
    mean, weight, averages = 0.0, 0.0, []
    for value in values:
        mean, weight = share * mean + (1 - share) * value, share * weight + (1 - share)
        averages.append(mean / weight)
    return averages


def drawn(figure: Figure, form: str) -> bytes:
    """A figure as a PNG or SVG file, the same bytes each time."""
    file = BytesIO()
    metadata = {"Date": None} if form == "svg" else {"Software": None}
    with style():
        figure.savefig(file, format=form, dpi=_DOTS, metadata=metadata)
    return file.getvalue()
