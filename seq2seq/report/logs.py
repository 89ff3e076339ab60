"""The logs of a run, read leniently: a report shows what is there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from seq2seq.storage.reading import LONGEST_LINE, parse_json

LogRow = dict[str, Any]
_MOST = 64 << 20  # bytes of a log that are read
_T = TypeVar("_T")


def read(path: Path) -> list[LogRow]:
    """The complete lines of a log that are JSON objects; none where there is no such file."""
    rows: list[LogRow] = []
    size = 0
    if not path.is_file():
        return rows
    with path.open("rb") as file:
        while (line := file.readline(LONGEST_LINE)) and (size := size + len(line)) <= _MOST:
            try:
                row = parse_json(line) if line.endswith(b"\n") else None
            except ValueError:
                continue
            if isinstance(row, dict):
                rows.append(row)
    return rows


def number(value: Any) -> float | None:
    """A finite number of a log; None for anything else, a truth value too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number of hundreds of digits
        return None


def points(rows: Sequence[LogRow], key: str) -> list[tuple[float, float]]:
    """A figure by step, of the rows that have it."""
    pairs = ((number(row.get("step")), number(row.get(key))) for row in rows)
    return [(step, value) for step, value in pairs if step is not None and value is not None]


def thinned(values: Sequence[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """At most `most` points: the means of neighbours, at the step of the last of them."""
    size = -(-len(values) // most) if values else 1
    groups = [values[start : start + size] for start in range(0, len(values), size)]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]


def spread(values: Sequence[_T], most: int) -> list[_T]:
    """At most `most` of some values, the first and the last among them, at even distances."""
    if len(values) <= most:
        return list(values)
    return [values[round(place * (len(values) - 1) / (most - 1))] for place in range(most)]
