"""Time limits for calls over a network."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

Answer = TypeVar("Answer")

FEW = 100_000  # bytes that count as progress of a download


def within(seconds: float, call: Callable[[], Answer], size: Callable[[], int] = lambda: 0) -> Answer:
    """The result of a call. Raises TimeoutError, and leaves the call running, where it takes so long without `size`
    having grown: no time limit of a socket ends an answer that comes byte by byte."""
    done: list[Answer | BaseException] = []

    def work() -> None:
        try:
            done.append(call())
        except BaseException as error:
            done.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(min(1.0, seconds))  # a quick call is not watched
    last, since = size() if thread.is_alive() else 0, time.monotonic()
    while thread.is_alive():
        thread.join(min(5.0, max(0.01, since + seconds - time.monotonic())))
        if (now := size()) >= last + FEW:
            last, since = now, time.monotonic()
        elif thread.is_alive() and time.monotonic() - since >= seconds:
            raise TimeoutError(f"nothing came for {seconds:g} seconds")
    if isinstance(done[0], BaseException):
        raise done[0]
    return done[0]


def size_of(*folders: Path) -> int:
    """Bytes of all files in folders."""
    total = 0
    for folder in folders:
        with suppress(OSError):  # renamed or deleted meanwhile
            for path in folder.rglob("*"):
                with suppress(OSError):
                    total += path.lstat().st_size
    return total
