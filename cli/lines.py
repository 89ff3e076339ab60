"""Lines from standard input as they arrive: a window is what has arrived, so that a slow writer gets its answers at
once."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from queue import Empty, Queue
from typing import IO

from seq2seq.errors import DataError

from . import streams

_AHEAD = 8  # lines that are read before they are taken


def standard_input() -> IO[bytes]:
    """A duplicate of standard input, for a thread that may still be reading when the program ends: Python would then
    fail to get the lock of `sys.stdin`. Raises DataError where standard input is closed."""
    if streams.is_closed("stdin"):
        raise DataError("standard input is closed; give text, or --input FILE")
    try:
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    except OSError:
        return sys.stdin.buffer  # not a file of the system


def windows(lines: Iterable[str], size: int, most: int, linger: float = 0.02) -> Iterator[list[str]]:
    """Groups of at most `size` lines in order; a group ends when no line arrived for `linger` seconds, or at `most`
    characters. Memory is bounded by a group and some lines. Raises what reading raised, after the lines read before
    it."""
    arrived: Queue[str | BaseException | None] = Queue(_AHEAD)  # lines, then None or an error
    left = threading.Event()

    def read() -> None:
        end: BaseException | None = None
        try:
            for line in lines:
                arrived.put(line)
                if left.is_set():
                    return
        except BaseException as error:
            end = error
        arrived.put(end)

    threading.Thread(target=read, daemon=True).start()
    try:
        line = arrived.get()
        while isinstance(line, str):
            group, characters = [line], len(line)
            with suppress(Empty):
                while len(group) < size and characters < most and isinstance(line := arrived.get(timeout=linger), str):
                    group.append(line)
                    characters += len(line)
            yield group
            if isinstance(line, str):
                line = arrived.get()
        if line is not None:
            raise line
    finally:
        left.set()
        with suppress(Empty):
            while True:
                arrived.get_nowait()  # the reading thread may be waiting to put a line
