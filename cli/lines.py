"""Lines from standard input as they arrive: a window is what has arrived, so that a slow writer gets its answers at
once."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import IO

from seq2seq.errors import DataError

from . import streams


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
    characters. Memory is bounded by two groups and a line."""
    arrived = _Arrived(lines, size, most)
    threading.Thread(target=arrived.read, daemon=True).start()
    try:
        while group := arrived.take(linger):
            yield group
    finally:
        arrived.leave()


class _Arrived:
    """Lines that one thread has read and another has not taken yet: one group at most."""

    def __init__(self, lines: Iterable[str], size: int, most: int) -> None:
        self._given = lines
        self._size, self._most = size, most
        self._lines: deque[str] = deque()
        self._characters = 0
        self._changed = threading.Condition()
        self._ended = self._left = False
        self._error: BaseException | None = None

    def read(self) -> None:
        """Read all lines, waiting while the group is full; end when the taker has left."""
        try:
            for line in self._given:
                with self._changed:
                    self._changed.wait_for(lambda: self._left or not self._full())
                    if self._left:
                        return
                    self._lines.append(line)
                    self._characters += len(line)
                    self._changed.notify_all()
        except BaseException as error:
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def take(self, linger: float) -> list[str]:
        """Wait for the next group; empty at the end. Raises what reading raised, after the lines read before it."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._ended)
            count = 0
            while count < len(self._lines) and not (self._full() or self._ended):
                count = len(self._lines)
                self._changed.wait_for(lambda: len(self._lines) > count or self._ended, linger)  # noqa: B023
            group = list(self._lines)
            self._lines.clear()
            self._characters = 0
            self._changed.notify_all()
            if not group and self._error is not None:
                raise self._error
            return group

    def leave(self) -> None:
        """Stop taking: ends the reading thread."""
        with self._changed:
            self._left = True
            self._changed.notify_all()

    def _full(self) -> bool:
        return len(self._lines) >= self._size or self._characters >= self._most
