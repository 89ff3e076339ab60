"""A clock that a test turns."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle


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
