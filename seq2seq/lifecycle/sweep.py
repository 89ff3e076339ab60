"""A sweep: a recipe with several values of some keys, for several seeds, one run each; and what came of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import mean
from typing import Any

from seq2seq import tasks
from seq2seq.errors import RecipeError
from seq2seq.lifecycle.summaries import scores_of
from seq2seq.run import Run
from seq2seq.tasks.task import Figure

_BRACKETS = {"[": "]", "{": "}"}
_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class GridCell:
    """One run of a sweep: what is set, the part of it that varies, and a seed."""

    changes: tuple[str, ...]
    setting: str
    seed: int

    @property
    def name(self) -> str:
        """Of its run folder."""
        return re.sub(r"[^\w.,=+-]+", "-", f"{self.setting},seed={self.seed}")


@dataclass(frozen=True)
class FigureOverSeeds:
    """A figure over the seeds of a setting."""

    name: str
    mean: float
    low: float
    high: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class SettingResult:
    """A setting, judged. `p_values` are those of its runs against the runs of the first setting with the same seed, by
    figure; `better` and `worse` count the significant ones (p < 0.05) of the most important figure."""

    setting: str
    seeds: tuple[int, ...]
    figures: tuple[FigureOverSeeds, ...]
    p_values: Mapping[str, tuple[float, ...]]
    better: int
    worse: int


def cells(changes: Sequence[str], seeds: Sequence[int]) -> list[GridCell]:
    """The runs of a grid: each change is `section.key=value`, or has several values with commas between them. Raises
    RecipeError where two runs would be the same."""
    axes = [[f"{key}={value}" for value in _values(values)] for key, _, values in (c.partition("=") for c in changes)]
    grid = []
    for chosen in product(*axes):
        varied = [change for change, axis in zip(chosen, axes) if len(axis) > 1]
        grid += [GridCell(chosen, ",".join(varied) or "recipe", seed) for seed in seeds]
    names = [cell.name for cell in grid]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise RecipeError(f"two runs of the sweep would be {twice}: name each value and each seed once")
    return grid


def rows(grid: Sequence[GridCell], runs: Mapping[GridCell, Run]) -> Iterator[SettingResult]:
    """The settings of a grid with the figures of those of its runs that were judged."""
    judged = {cell: figures for cell, run in runs.items() if (figures := _figures(run))}
    first = {cell.seed: cell for cell in judged if cell.setting == grid[0].setting}
    for setting in dict.fromkeys(cell.setting for cell in grid):
        own = [cell for cell in judged if cell.setting == setting]
        names = [figure.name for figure in judged[own[0]]] if own else []
        columns = {
            name: tuple(figure.value for cell in own for figure in judged[cell] if figure.name == name)
            for name in names
        }
        paired = [(first[cell.seed], cell) for cell in own if cell.seed in first and setting != grid[0].setting]
        tested = [(pair, _p_values(runs, *pair)) for pair in paired]
        gains = [_gain(judged, *pair) for pair, found in tested if found.get(names[0], 1.0) < _SIGNIFICANT]
        yield SettingResult(
            setting,
            tuple(cell.seed for cell in own),
            tuple(
                FigureOverSeeds(name, mean(values), min(values), max(values), values)
                for name, values in columns.items()
            ),
            {name: tuple(found[name] for _, found in tested if name in found) for name in names if paired},
            sum(gain > 0 for gain in gains),
            sum(gain < 0 for gain in gains),
        )


def _figures(run: Run) -> list[Figure]:
    scores: Any = scores_of(run.record())
    return tasks.of(run.recipe()).figures(scores) if scores else []


def _p_values(runs: Mapping[GridCell, Run], first: GridCell, second: GridCell) -> dict[str, float]:
    return tasks.of(runs[first].recipe()).p_values(runs[first], runs[second])


def _gain(judged: Mapping[GridCell, Sequence[Figure]], first: GridCell, second: GridCell) -> float:
    before, after = judged[first][0], judged[second][0]
    return (before.value - after.value) if before.less_is_better else (after.value - before.value)


def _values(text: str) -> list[str]:
    """The values between commas, but not those within brackets or quotes."""
    values, closing, quote = [""], [], ""
    for letter in text:
        if quote or letter in "\"'":
            quote = "" if letter == quote else quote or letter
        elif letter in _BRACKETS:
            closing.append(_BRACKETS[letter])
        elif closing and letter == closing[-1]:
            closing.pop()
        elif letter == "," and not closing:
            values.append("")
            continue
        values[-1] += letter
    return [value.strip() for value in values]
