"""Work gathered into batches: what each request gets is its own, whatever others do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from seq2seq.serving.errors import Refused
from seq2seq.serving.queue import Batcher, Streams


class Doubling:
    """Doubles numbers, slowly enough that others arrive meanwhile; 13 is an error."""

    def __init__(self) -> None:
        self.batches: list[tuple[Any, list[int]]] = []
        self.open = threading.Event()
        self.open.set()

    def __call__(self, options: Any, items: list[int]) -> list[int]:
        self.open.wait(5)
        self.batches.append((options, items))
        if 13 in items:
            raise ValueError("thirteen")
        return [2 * item for item in items]


def batcher(compute: Doubling, *, workers: int = 1, budget: int = 8, most: int = 100) -> Batcher[Any, int, int]:
    return Batcher(compute, workers=workers, budget=budget, most=most, gather=0.01)


def test_requests_that_arrive_together_are_one_batch_and_each_gets_its_own() -> None:
    async def work() -> list[list[int]]:
        gathered = batcher(doubling)
        return await asyncio.gather(*(gathered.submit(None, [n, n + 10]) for n in range(3)))

    doubling = Doubling()
    assert asyncio.run(work()) == [[0, 20], [2, 22], [4, 24]]
    assert [len(items) for _, items in doubling.batches] == [6]


def test_only_equal_options_share_a_batch_and_the_oldest_is_first() -> None:
    async def work() -> None:
        gathered = batcher(doubling)
        await asyncio.gather(*(gathered.submit("ab"[n % 2], [n]) for n in range(6)))

    doubling = Doubling()
    asyncio.run(work())
    assert doubling.batches == [("a", [0, 2, 4]), ("b", [1, 3, 5])]


def test_idle_workers_share_what_waits() -> None:
    async def work() -> None:
        gathered = batcher(doubling, workers=2)
        doubling.open.clear()
        waiting = [asyncio.create_task(gathered.submit(None, [n])) for n in range(8)]
        await asyncio.sleep(0.1)
        doubling.open.set()
        await asyncio.gather(*waiting)

    doubling = Doubling()
    asyncio.run(work())
    assert sorted(len(items) for _, items in doubling.batches) == [4, 4]


def test_a_budget_bounds_a_batch_but_not_a_request() -> None:
    async def work() -> None:
        gathered = batcher(doubling, budget=4)
        await asyncio.gather(gathered.submit(None, [*range(20, 29)]), *(gathered.submit(None, [n]) for n in range(6)))

    doubling = Doubling()
    asyncio.run(work())
    assert [len(items) for _, items in doubling.batches] == [9, 4, 2]


def test_a_request_that_fails_harms_no_other() -> None:
    async def work() -> list[Any]:
        gathered = batcher(doubling)
        return await asyncio.gather(*(gathered.submit(None, [n]) for n in (1, 13, 2)), return_exceptions=True)

    doubling = Doubling()
    one, failed, two = asyncio.run(work())
    assert (one, two) == ([2], [4])
    assert isinstance(failed, ValueError)


def test_too_few_results_are_an_error_of_every_request() -> None:
    async def work() -> list[Any]:
        gathered = Batcher[Any, int, int](lambda _, items: items[:1], workers=1, budget=8, most=9, gather=0.01)
        async with asyncio.timeout(5):
            answers = await asyncio.gather(*(gathered.submit(None, [n, n]) for n in range(2)), return_exceptions=True)
            return [*answers, await gathered.submit(None, [7])]

    first, second, third = asyncio.run(work())
    assert isinstance(first, ValueError) and isinstance(second, ValueError) and third == [7]


def test_a_full_queue_refuses_and_goes_on() -> None:
    async def work() -> None:
        gathered = batcher(doubling, most=3)
        doubling.open.clear()
        begun = asyncio.create_task(gathered.submit(None, [1]))
        await asyncio.sleep(0.1)
        waiting = [asyncio.create_task(gathered.submit(None, [n])) for n in (2, 3, 4)]
        await asyncio.sleep(0)
        with pytest.raises(Refused) as refused:
            await gathered.submit(None, [5])
        assert refused.value.status == 503 and refused.value.again
        doubling.open.set()
        assert await begun == [2]
        assert await asyncio.gather(*waiting) == [[4], [6], [8]]
        assert await gathered.submit(None, [5]) == [10]

    doubling = Doubling()
    asyncio.run(work())


def test_a_caller_that_leaves_frees_what_waits() -> None:
    async def work() -> None:
        gathered = batcher(doubling)
        doubling.open.clear()
        begun = asyncio.create_task(gathered.submit(None, [1]))
        await asyncio.sleep(0.1)
        leaving = asyncio.create_task(gathered.submit(None, [2]))
        staying = asyncio.create_task(gathered.submit(None, [3]))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        assert gathered.waiting == 1
        doubling.open.set()
        assert await begun == [2] and await staying == [6]

    doubling = Doubling()
    asyncio.run(work())
    assert [items for _, items in doubling.batches] == [[1], [3]]


class Counting:
    """A generator of numbers as text, which knows whether it was closed."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.closed = threading.Event()

    def start(self) -> Any:
        return self._numbers()

    def _numbers(self) -> Iterator[str]:
        try:
            for number in range(self.count):
                yield str(number)
            return "whole"  # type: ignore[return-value]
        finally:
            self.closed.set()


def test_a_stream_gives_all_pieces_then_the_whole() -> None:
    async def work() -> list[Any]:
        streams = Streams(workers=1, most=5)
        return [[piece async for piece in streams.stream(Counting(3).start)] for _ in range(2)]

    assert asyncio.run(work()) == [["0", "1", "2", "whole"]] * 2


def test_a_stream_whose_reader_leaves_ends_and_makes_place() -> None:
    async def work() -> None:
        streams = Streams(workers=1, most=5)
        endless = Counting(10**9)
        pieces = streams.stream(endless.start)
        assert await anext(pieces) == "0"
        await pieces.aclose()  # type: ignore[attr-defined]
        assert [piece async for piece in streams.stream(Counting(1).start)] == ["0", "whole"]
        with ThreadPoolExecutor(1) as pool:
            assert await asyncio.get_running_loop().run_in_executor(pool, endless.closed.wait, 5)

    asyncio.run(work())


def test_more_streams_than_may_wait_are_refused() -> None:
    async def work() -> None:
        streams = Streams(workers=1, most=0)
        first = streams.stream(Counting(10**9).start)
        await anext(first)
        with pytest.raises(Refused):
            await anext(streams.stream(Counting(1).start))
        await first.aclose()  # type: ignore[attr-defined]

    asyncio.run(work())
