"""Signals: a command cleans up and ends with exit code 128 + n; training saves first."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType

from . import processes
from .printing import report

# With USR1, USR2 and XCPU, batch systems and limits warn of a kill. Most of these do not exist on Windows.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGBREAK")
_TYPED = ("SIGINT", "SIGQUIT")  # from a keyboard, where a second one is intended
_ONE_EVENT = 2.0  # seconds within which a shell and the system may both report the same hang-up
_SHOW_CURSOR = "\x1b[?25h"

_received: int | None = None


def code() -> int | None:
    """The exit code of the signal that ends this command, if there was one."""
    return None if _received is None else 128 + _received


@contextmanager
def clearing_up() -> Iterator[None]:
    """Within this context, a signal raises KeyboardInterrupt, so that context managers clean up. A second one ends the
    process at once: a C++ library may have swallowed the first."""
    global _received
    _received = None
    first = 0.0

    def end(number: int, frame: FrameType | None) -> None:
        global _received
        nonlocal first
        if _received is not None:
            if _typed(number) or time.monotonic() - first > _ONE_EVENT:
                leave(128 + number)
            return
        _received, first = number, time.monotonic()
        raise KeyboardInterrupt

    with handled(end):
        yield


@contextmanager
def handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Within this context, `handler` gets the signals that end a command; signals that are ignored, as under nohup,
    stay ignored."""
    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
                former = signal.getsignal(number)
                if former not in (signal.SIG_IGN, None):
                    signal.signal(number, handler)
                    stack.callback(signal.signal, number, former)
        yield


def leave(exit_code: int) -> None:
    """End the process at once: an exception would interrupt arbitrary code, and C++ libraries that call Python swallow
    it. This is as safe as a kill: the next command removes partial files."""
    if sys.stderr.isatty():
        with suppress(OSError):
            os.write(sys.stderr.fileno(), _SHOW_CURSOR.encode())  # a bar may have hidden it
    os._exit(exit_code)


class StopSignals:
    """Signals during training: within `after_an_update` they request a stop after the current update, and a second
    Ctrl-C ends the process at once; elsewhere the first one does. Running the command again resumes."""

    def __init__(self) -> None:
        self.exit_code = 0
        self._patient = False

    @contextmanager
    def after_an_update(self) -> Iterator[None]:
        """Within this context, signals only request a stop."""
        self._patient = True
        yield
        self._patient = False

    def asked(self) -> bool:
        """Whether a stop was requested."""
        return self.exit_code != 0

    def request(self, number: int, frame: FrameType | None) -> None:
        """The handler of the signals: see `handled`."""
        again, self.exit_code = self.asked(), self.exit_code or 128 + number
        at_once = not self._patient or (again and _typed(number))
        # A batch system may repeat its signal while training saves.
        if processes.main() and (at_once or not again):
            now = "Stopped; the same command resumes." if at_once else "Stopping after this update; saving ..."
            report(f"\n{now}")
        if at_once:
            leave(self.exit_code)


def _typed(number: int) -> bool:
    return signal.Signals(number).name in _TYPED
