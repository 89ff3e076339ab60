"""Charts as SVG: no colour of their own, so that they follow the page into the dark and onto paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seq2seq.evaluation.parts import Chart
from seq2seq.report.numbers import shown, tick

WIDTH, HEIGHT = 400, 236
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 18, 10, 40
_TICKS = 5
_SPREAD = 60.0  # of the largest over the median value: above it the axis is logarithmic


@dataclass(frozen=True)
class Axis:
    """From values to a place between `begin` and `end`, in the units of the SVG."""

    low: float
    high: float
    begin: float
    end: float
    logarithmic: bool = False

    @classmethod
    def of(cls, values: Sequence[float], begin: float, end: float, logarithmic: bool = False) -> Axis:
        """An axis that holds all values."""
        low, high = min(values, default=0.0), max(values, default=1.0)
        if low == high:
            margin = abs(low) / 2 or 0.5
            low, high = low - margin, high + margin
        return cls(low, high, begin, end, logarithmic and low > 0)

    def place(self, value: float) -> float:
        """Where a value is."""
        low, high, value = (math.log(each) if self.logarithmic else each for each in (self.low, self.high, value))
        return self.begin + (value - low) / (high - low) * (self.end - self.begin)

    def ticks(self) -> list[float]:
        """Round values within the axis."""
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (1,) if len(powers) > 3 else (1, 2, 5)
            values = [step * 10.0**power for power in powers for step in steps]
            return [value for value in values if self.low <= value <= self.high] or [self.low, self.high]
        rough = (self.high - self.low) / _TICKS
        size = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= rough)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


def drawn(chart: Chart) -> dict[str, Any]:
    """The numbers of the SVG, for the template: ticks, lines and marks."""
    xs = [x for line in chart.lines for x, _ in line.points]
    ys = [y for line in chart.lines for _, y in line.points]
    middle = sorted(map(abs, ys))[len(ys) // 2]
    wide = not chart.diagonal and min(ys) > 0 and max(ys) > _SPREAD * middle
    x = Axis(0.0, 1.0, _LEFT, WIDTH - _RIGHT) if chart.diagonal else Axis.of(xs, _LEFT, WIDTH - _RIGHT)
    y = (
        Axis(0.0, 1.0, HEIGHT - _BOTTOM, _TOP)
        if chart.diagonal
        else Axis.of(ys, HEIGHT - _BOTTOM, _TOP, logarithmic=wide)
    )
    lines = [
        {
            "name": line.name,
            "path": " ".join(f"{x.place(a):.1f},{y.place(b):.1f}" for a, b in line.points),
            "marks": [
                {"x": f"{x.place(a):.1f}", "y": f"{y.place(b):.1f}", "said": f"{line.name}, {shown(a)}: {shown(b)}"}
                for a, b in (line.points if line.marked or len(line.points) == 1 else ())
            ],
        }
        for line in chart.lines
    ]
    return {
        "lines": lines,
        "x_ticks": [{"at": f"{x.place(value):.1f}", "said": tick(value)} for value in x.ticks()],
        "y_ticks": [{"at": f"{y.place(value):.1f}", "said": tick(value)} for value in y.ticks()],
        "left": _LEFT,
        "right": WIDTH - _RIGHT,
        "top": _TOP,
        "bottom": HEIGHT - _BOTTOM,
        "width": WIDTH,
        "height": HEIGHT,
        "said": said(chart),
    }


def said(chart: Chart) -> str:
    """The chart in words: where each line begins and ends, and its extremes."""
    texts = []
    for line in chart.lines:
        values = [value for _, value in line.points]
        texts.append(
            f"{line.name}: {len(values)} points, from {shown(values[0])} at {shown(line.points[0][0])} to "
            f"{shown(values[-1])} at {shown(line.points[-1][0])}; lowest {shown(min(values))}, highest "
            f"{shown(max(values))}"
        )
    return f"{chart.y} by {chart.x}. " + ". ".join(texts) + "."
