"""Clocks for tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import cycle

import pytest


class Clock:
    """Time that passes only where a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def takes(self, *seconds: float) -> Callable[[], None]:
        """Something that takes so long, the durations in turn."""
        durations = cycle(seconds)

        def pass_time() -> None:
            self.now += next(durations)

        return pass_time


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time pass five times as fast, and only while this process computes: a budget of minutes then holds as much on
    a busy machine as on an idle one, and is used up sooner."""
    monkeypatch.setattr(time, "perf_counter", lambda: 5 * time.process_time())
