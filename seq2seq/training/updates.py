"""Figures of the updates of a training run, for its curves: means over windows, so that a run of any length has some
hundred lines."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from seq2seq.storage import jsonl
from seq2seq.training.faults import UpdateFigures

ROWS = 1000  # of a run; more only where validations are closer together


class UpdateLog:
    """Keeps means over windows of `steps` / 1,000 updates, and writes them where the run is saved: a line with the
    number of `updates` since the one before, their `tokens` and `seconds`, how many were `skipped`, and the means of
    the others' figures."""

    def __init__(self, path: Path, steps: int) -> None:
        self._path = path
        self._window = max(1, -(-steps // ROWS))
        self._rows: list[dict[str, Any]] = []
        self._step, self._learning_rate = 0, 0.0
        self._updates = self._counted = self._tokens = 0
        self._sums: dict[str, float] = {}
        self.begin()

    def begin(self) -> None:
        """Begin a window now, without what was not written."""
        self._rows.clear()
        self._begin_window()

    def take(self, figures: UpdateFigures) -> None:
        """Add an update, whose figures were just read."""
        self._step, self._updates = figures.step, self._updates + 1
        self._tokens += figures.tokens
        if figures.finite:
            shown = {"loss": figures.loss, "gradient_norm": figures.gradient_norm, **figures.others}
            for name, value in shown.items():
                self._sums[name] += value
            self._counted += 1
        self._learning_rate = figures.learning_rate
        if figures.step % self._window == 0:
            self._end_window()

    def write(self) -> None:
        """Write what was taken, and do not count the time until `begin`. Raises RunError where it cannot be written."""
        if self._updates:
            self._end_window()
        if self._rows:
            jsonl.append(self._path, *self._rows)
        self._rows.clear()

    def _begin_window(self) -> None:
        self._updates = self._counted = self._tokens = 0
        self._sums = defaultdict(float)
        self._began = time.perf_counter()

    def _end_window(self) -> None:
        row: dict[str, Any] = {
            "step": self._step,
            "updates": self._updates,
            "skipped": self._updates - self._counted,
            "learning_rate": self._learning_rate,
            **{name: float(f"{value / self._counted:.6g}") for name, value in self._sums.items()},
            "tokens": self._tokens,
            "seconds": round(time.perf_counter() - self._began, 4),
        }
        self._rows.append(row)
        self._begin_window()
