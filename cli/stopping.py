"""Ctrl-C and SIGTERM while something is trained."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from cli import options


class StopSignals:
    """Ctrl-C and SIGTERM: within `after_an_update` they ask for a stop after the update at hand, and a second one ends
    the process at once; elsewhere the first does. It is then as safe as any kill: the next command goes on."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.exit_code = 0
        self._quiet = quiet
        self._patient = False

    def __enter__(self) -> StopSignals:
        self._former = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    @contextmanager
    def after_an_update(self) -> Iterator[None]:
        """While this lasts, signals only ask."""
        self._patient = True
        yield
        self._patient = False

    def asked(self) -> bool:
        """Whether to stop."""
        return self.exit_code != 0

    def _ask(self, number: int, frame: FrameType | None) -> None:
        patient, self._patient, self.exit_code = self._patient, False, 128 + number
        if not patient:
            options.note("\nStopped; the same command goes on.", quiet=self._quiet)
            # An exception would come out of whatever runs, and libraries in C++ that call Python swallow it.
            os._exit(self.exit_code)
        options.note("\nStopping after this update; saving ...", quiet=self._quiet)
