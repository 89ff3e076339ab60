"""Windows that overlap: in order, never many at once, errors in their turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from seq2seq.pipeline import in_order


def begin(number: int, pool: ThreadPoolExecutor) -> Future[int]:
    return pool.submit(lambda: number * number)


def end(future: Future[int]) -> int:
    return future.result()


@pytest.mark.parametrize("workers", [1, 3])
def test_windows_come_in_order(workers: int) -> None:
    assert list(in_order(range(200), begin, end, workers=workers)) == [number * number for number in range(200)]


def test_threads_are_initialised_before_they_work() -> None:
    own = threading.local()

    def initialise() -> None:
        own.ready = True

    def start(number: int, pool: ThreadPoolExecutor) -> Future[bool]:
        return pool.submit(lambda: own.ready)

    assert all(in_order(range(20), start, lambda future: future.result(), workers=3, initializer=initialise))


def test_a_caller_that_takes_nothing_stops_the_reading() -> None:
    read = []

    def windows() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    taken = 0
    for taken, _ in enumerate(in_order(windows(), begin, end, workers=2), start=1):
        assert len(read) <= taken + 1  # the window in hand, and the next
    assert taken == 1000


def test_the_next_window_is_begun_while_one_is_worked_on() -> None:
    second = threading.Event()

    def start(number: int, pool: ThreadPoolExecutor) -> Future[bool]:
        if number == 1:
            second.set()
        return pool.submit(lambda: number > 0 or second.wait(5))

    assert all(in_order(range(2), start, lambda future: future.result(), workers=1))


def test_an_error_comes_after_the_windows_before_it() -> None:
    def windows() -> Iterator[int]:
        yield 2
        raise ValueError("line 2 is damaged")

    found = in_order(windows(), begin, end, workers=1)
    assert next(found) == 4
    with pytest.raises(ValueError, match="line 2 is damaged"):
        next(found)


def test_an_error_of_the_work_reaches_the_caller() -> None:
    found = in_order([1, 0, 1], lambda number, pool: pool.submit(lambda: 1 // number), end, workers=2)
    assert next(found) == 1
    with pytest.raises(ZeroDivisionError):
        next(found)


def test_a_caller_that_leaves_ends_the_threads() -> None:
    before = threading.active_count()
    found = in_order(iter(range(10**9)), begin, end, workers=2)
    next(found)
    found.close()  # type: ignore[attr-defined]
    for thread in threading.enumerate()[before:]:
        thread.join(5)
    assert threading.active_count() == before
