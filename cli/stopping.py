"""What signals do: a command clears up behind itself and ends with exit code 128 + n; training saves first."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType

from .printing import note

# USR1, USR2 and XCPU are warnings of batch systems and limits that a kill is near. Not on Windows, most of them.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGBREAK")
_TYPED = ("SIGINT", "SIGQUIT")  # at a keyboard, where a second one is meant
_ONE_EVENT = 2.0  # seconds in which a shell and the system may both report one hang-up
_SHOW_CURSOR = "\x1b[?25h"

Handler = Callable[[int, FrameType | None], None]
_received: int | None = None


def code() -> int | None:
    """The exit code of the signal that ends this command, if there was one."""
    return None if _received is None else 128 + _received


@contextmanager
def clearing_up() -> Iterator[None]:
    """While this lasts, a signal is a KeyboardInterrupt: what is open is cleared up on the way out. A second one ends
    the process at once: a library in C++ may have swallowed the first."""
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
def handled(handler: Handler) -> Iterator[None]:
    """While this lasts, `handler` gets the signals that end a command; those that are ignored, as under nohup, stay
    so."""
    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
                former = signal.getsignal(number)
                if former not in (signal.SIG_IGN, None):
                    signal.signal(number, handler)
                    stack.callback(signal.signal, number, former)
        yield


def leave(exit_code: int) -> None:
    """End the process here and now: an exception would come out of whatever runs, and libraries in C++ that call Python
    swallow it. It is as safe as any kill: the next command clears what is left."""
    if sys.stderr.isatty():
        with suppress(OSError):
            os.write(sys.stderr.fileno(), _SHOW_CURSOR.encode())  # a bar may have hidden it
    os._exit(exit_code)


class StopSignals:
    """Signals while something is trained: within `after_an_update` they ask for a stop after the update at hand, and
    Ctrl-C again ends the process at once; elsewhere the first does. The next command resumes from there."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.exit_code = 0
        self._quiet = quiet
        self._patient = False
        self._handled = handled(self._ask)

    def __enter__(self) -> StopSignals:
        self._handled.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._handled.__exit__(None, None, None)

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
        again, self.exit_code = self.asked(), self.exit_code or 128 + number
        if not self._patient or (again and _typed(number)):
            note("\nStopped; the same command goes on.", quiet=self._quiet)
            leave(self.exit_code)
        if not again:
            # A batch system may repeat itself while all is saved.
            note("\nStopping after this update; saving ...", quiet=self._quiet)


def _typed(number: int) -> bool:
    return signal.Signals(number).name in _TYPED
