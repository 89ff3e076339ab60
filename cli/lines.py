"""Lines from standard input as they come: a window is what has arrived, so that a slow writer gets its answers at
once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator

_END = object()


def windows(lines: Iterable[str], size: int, linger: float = 0.02) -> Iterator[list[str]]:
    """Groups of at most `size` lines in order; a group ends when none came for `linger` seconds. Memory is bounded by
    two groups."""
    arrived: queue.Queue[object] = queue.Queue(maxsize=size)

    def read() -> None:
        try:
            for line in lines:
                arrived.put(line)
            arrived.put(_END)
        except BaseException as error:
            arrived.put(error)

    threading.Thread(target=read, daemon=True).start()
    group: list[str] = []
    while True:
        try:
            item = arrived.get(timeout=linger) if group else arrived.get()
        except queue.Empty:
            item = None
        if isinstance(item, str):
            group.append(item)
        if group and (not isinstance(item, str) or len(group) == size):
            yield group
            group = []
        if item is _END:
            return
        if isinstance(item, BaseException):
            raise item
