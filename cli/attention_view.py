"""Attention as text: a row for each query, a column for each key, and blocks for weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from seq2seq.decoding.attention import KINDS, Attention, AttentionMap, shown

from .console import Console, cut

_ROWS = {"cross": "what is written", "decoder": "tokens as they are read", "encoder": "tokens"}
_COLUMNS = {"cross": "the source", "decoder": "what they look at", "encoder": "what they look at"}
_SHADES = ((0.75, "█"), (0.5, "▓"), (0.25, "▒"), (0.05, "░"))
_LEGEND = "· below 5 %  ░ 5 %  ▒ 25 %  ▓ 50 %  █ 75 % and more"
_ROW_LABEL, _COLUMN_LABEL = 16, 10  # columns at most
_COLOUR, _DIM = "blue", "dim"


def show_map(found: Attention, chosen: AttentionMap, layer: int | None, head: int | None) -> None:
    """Print one map: of a layer and a head, from 1, or the mean of all of them. A map wider than the screen is cut
    into blocks of columns."""
    console = Console()
    layers, heads = len(chosen.layers), len(chosen.layers[0])
    named = [f"layer {layer}"] * (layer is not None) + [f"head {head}"] * (head is not None)
    asked = (("layer", layers, layer), ("head", heads, head))
    means = [f"{number} {name}{'s' * (number > 1)}" for name, number, chosen_one in asked if chosen_one is None]
    named += [f"mean of {' and '.join(means)}"] * bool(means)
    console.print(", ".join((KINDS[chosen.kind], *named)))
    console.print(f"rows: {_ROWS[chosen.kind]}; columns: {_COLUMNS[chosen.kind]}")
    if found.output:
        console.print(cut(" ".join(found.output.split()), console.width))
    weights, style = chosen.weights(layer, head), _COLOUR if console.coloured else ""
    rows = [cut(label, _ROW_LABEL) for label in shown(chosen.predicted if chosen.kind == "cross" else chosen.queries)]
    columns = [cut(label, _COLUMN_LABEL) for label in shown(chosen.keys)]
    left = max(map(cell_len, rows))
    gap = "" if all(cell_len(label) <= 1 for label in columns) else " "
    for first, last in _blocks([cell_len(label) + len(gap) for label in columns], console.width - left - 1):
        console.print()
        widths = [cell_len(label) for label in columns[first:last]]
        console.print(Text(" " * (left + 1) + gap.join(columns[first:last]), _DIM if console.coloured else ""))
        for label, row, mask in zip(rows, weights, chosen.mask):
            cells = [
                _cell(row[place], width) if mask[place] else " " * width
                for place, width in enumerate(widths, start=first)
            ]
            console.print(Text(set_cell_size(label, left) + " ").append(gap.join(cells).rstrip(), style))
    console.print()
    hidden = "" if chosen.mask.all() else "; blank: hidden"
    console.print(cut(_LEGEND + hidden, console.width))


def _blocks(widths: Sequence[int], space: int) -> Iterator[tuple[int, int]]:
    """The first and the last column, this one excluded, of each block that fits into a space."""
    first, used = 0, 0
    for place, width in enumerate(widths):
        if used and used + width > space:
            yield first, place
            first, used = place, 0
        used += width
    yield first, len(widths)


def _cell(weight: float, width: int) -> str:
    shade = next((shade for least, shade in _SHADES if weight >= least), "")
    return shade * width or "·".ljust(width)
