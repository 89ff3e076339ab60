"""Work in windows that overlap: begun by one thread, done by others, taken in order by the caller, never many at
once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

Given = TypeVar("Given")
Begun = TypeVar("Begun")
Done = TypeVar("Done")

_AHEAD = 2  # windows begun, that of the caller counted: one is worked on while another is prepared


def in_order(
    windows: Iterable[Given],
    begin: Callable[[Given, ThreadPoolExecutor], Begun],
    end: Callable[[Begun], Done],
    *,
    workers: int,
    initializer: Callable[[], None] | None = None,
) -> Generator[Done, None, None]:
    """`end(begin(window, pool))` of each window, in order, as soon as it is there.

    `begin` runs in a thread of its own, which also reads the windows, and hands work to the pool of `workers` threads,
    each of which first calls `initializer`; `end` runs where the caller is. A caller that takes nothing stops the
    reading. What is raised on the way reaches the caller in its turn, after the windows before it. Closed, it returns
    when no thread computes any more; one may still wait for a window.
    """
    begun: SimpleQueue[Begun | _End] = SimpleQueue()
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
        except StopIteration:
            begun.put(_End())
        except BaseException as error:
            begun.put(_End(error))

    threading.Thread(target=read, daemon=True).start()
    try:
        while not isinstance(item := begun.get(), _End):
            yield end(item)
            slots.release()
        if item.error is not None:
            raise item.error
    finally:
        left.set()
        slots.release()
        # A thread at work in a C++ library when Python ends would take the process down with it.
        with beginning:
            pool.shutdown(cancel_futures=True)


class _End:
    """No window is left, or none can be read for an error."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
