"""Work of many requests gathered into batches.

What arrives while a batch is computed waits for the next; the first request after a pause waits for a few
milliseconds. A batch is of requests with equal options, the oldest first, and of as many as share the waiting work
equally among the idle workers.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from seq2seq.serving.errors import busy

Options = TypeVar("Options", bound=Hashable)
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(eq=False)
class _Request(Generic[Options, Item, Result]):
    options: Options
    items: Sequence[Item]
    answer: asyncio.Future[list[Result]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Batcher(Generic[Options, Item, Result]):
    """Computes items of many requests together, in `workers` threads.

    `compute` gives the result of each item, in order. `budget` bounds the items of a batch, unless one request alone
    has more; `most` those that wait. `gather` is in seconds.
    """

    def __init__(
        self,
        compute: Callable[[Options, list[Item]], list[Result]],
        *,
        workers: int,
        budget: int,
        most: int,
        gather: float,
        observe: Callable[[int], None] = lambda items: None,
    ) -> None:
        self._compute = compute
        self._workers, self._budget, self._most, self._gather = workers, budget, most, gather
        self._observe = observe
        self._waiting: list[_Request[Options, Item, Result]] = []
        self._idle = workers  # have no task
        self._computing = 0  # workers with a batch
        self._tasks: set[asyncio.Task[None]] = set()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="compute")

    @property
    def waiting(self) -> int:
        """Items that wait."""
        return sum(len(request.items) for request in self._waiting)

    async def submit(self, options: Options, items: Sequence[Item]) -> list[Result]:
        """The results of items, in order. Raises Refused where too many wait, and what `compute` raises for these items
        alone. A caller that is cancelled frees what waits of its work."""
        if not items:
            return []
        if self._waiting and self.waiting + len(items) > self._most:
            raise busy()
        request = _Request[Options, Item, Result](options, items)
        self._waiting.append(request)
        if self._idle:
            self._idle -= 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            return await request.answer
        finally:
            if request in self._waiting:
                self._waiting.remove(request)

    def close(self) -> None:
        """End the threads; what waits is not computed."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        """Compute batches until nothing waits."""
        try:
            await asyncio.sleep(self._gather)
            while batch := self._next():
                self._computing += 1
                try:
                    await self._computed(batch)
                finally:
                    self._computing -= 1
        finally:
            self._idle += 1

    def _next(self) -> list[_Request[Options, Item, Result]]:
        """The requests of the next batch, which no longer wait."""
        share = min(self._budget, -(-self.waiting // (self._workers - self._computing)))
        batch: list[_Request[Options, Item, Result]] = []
        for request in [each for each in self._waiting if each.options == self._waiting[0].options]:
            if batch and sum(len(each.items) for each in batch) + len(request.items) > share:
                break
            batch.append(request)
        self._waiting = [each for each in self._waiting if each not in batch]
        return batch

    async def _computed(self, batch: list[_Request[Options, Item, Result]]) -> None:
        items = [item for request in batch for item in request.items]
        loop = asyncio.get_running_loop()
        try:
            self._observe(len(items))
            computed = await loop.run_in_executor(self._pool, self._compute, batch[0].options, items)
            if len(computed) != len(items):
                raise ValueError(f"{len(computed)} results of {len(items)} items")
        except Exception as error:
            if len(batch) == 1:
                _settle(batch[0].answer, error=error)
                return
            for request in batch:  # the others' work is not lost for one that fails
                if not request.answer.done():
                    await self._computed([request])
            return
        results = iter(computed)
        for request in batch:
            _settle(request.answer, [next(results) for _ in request.items])


class Streams:
    """Texts that threads generate for asynchronous callers: `workers` at a time, while at most `most` wait."""

    def __init__(self, *, workers: int, most: int) -> None:
        self._places = asyncio.Semaphore(workers)
        self._most = most
        self.waiting = 0
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="generate")

    async def stream(self, start: Callable[[], Generator[str, None, Result]]) -> AsyncIterator[str | Result]:
        """The pieces of a text as they are generated, then what the generator returns. A caller that leaves ends the
        generator after its next piece. Raises Refused where too many wait, and what the generator raises."""
        if self._places.locked() and self.waiting >= self._most:
            raise busy()
        self.waiting += 1
        try:
            await self._places.acquire()
        finally:
            self.waiting -= 1
        loop, left = asyncio.get_running_loop(), threading.Event()
        pieces: asyncio.Queue[str | None] = asyncio.Queue()

        def generate() -> Result:
            generator = start()
            try:
                while not left.is_set():
                    loop.call_soon_threadsafe(pieces.put_nowait, next(generator))
            except StopIteration as end:
                result: Result = end.value
                return result
            finally:
                generator.close()
            raise asyncio.CancelledError

        done = loop.run_in_executor(self._pool, generate)
        done.add_done_callback(lambda _: self._places.release())
        done.add_done_callback(lambda _: pieces.put_nowait(None))
        try:
            while (piece := await pieces.get()) is not None:
                yield piece
            yield await done
        finally:
            left.set()

    def close(self) -> None:
        """End the threads; what waits is not computed."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _settle(answer: asyncio.Future[Any], result: Any = None, error: BaseException | None = None) -> None:
    if answer.done():  # its caller left
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)
