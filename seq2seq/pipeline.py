"""An ordered, bounded pipeline: one thread begins windows of work, others compute them, the caller takes them in
order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Begun = TypeVar("Begun")
Done = TypeVar("Done")

_AHEAD = 2  # windows in progress, the caller's included: one is computed while another is prepared


def in_order(
    windows: Iterable[Item],
    begin: Callable[[Item, ThreadPoolExecutor], Begun],
    end: Callable[[Begun], Done],
    *,
    workers: int,
    initializer: Callable[[], None] | None = None,
) -> Generator[Done, None, None]:
    """`end(begin(window, pool))` of each window, in order, as soon as it is ready.

    `begin` runs in a thread of its own, which also reads the windows, and submits work to the pool of `workers`
    threads, each of which first calls `initializer`; `end` runs in the caller's thread. Where the caller takes nothing,
    reading stops. Errors reach the caller in order, after the windows before them. `close` returns when no thread
    computes any more; one may still wait for a window.
    """
    begun: SimpleQueue[Begun | BaseException] = SimpleQueue()
    slots = threading.Semaphore(_AHEAD)
    left = threading.Event()
    beginning = threading.Lock()
    pool = ThreadPoolExecutor(workers, initializer=initializer)

    def read() -> None:
        try:
            iterator = iter(windows)
            while slots.acquire() and not left.is_set():
                window = next(iterator)
                with beginning:
                    if not left.is_set():
                        begun.put(begin(window, pool))
        except BaseException as error:  # StopIteration: no window is left
            begun.put(error)

    threading.Thread(target=read, daemon=True).start()
    try:
        while not isinstance(item := begun.get(), BaseException):
            yield end(item)
            slots.release()
        if not isinstance(item, StopIteration):
            raise item
    finally:
        left.set()
        slots.release()
        # A thread still in a C++ library when Python ends would crash the process.
        with beginning:
            pool.shutdown(cancel_futures=True)
