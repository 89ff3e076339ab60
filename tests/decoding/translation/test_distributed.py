"""A text shared out over processes: nothing lost, nothing moved, and each window what one process makes of it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from seq2seq.decoding.translation.distributed import DistributedTranslator, OneProcess
from seq2seq.decoding.translation.outputs import Output, Translation
from seq2seq.decoding.translation.windows import Window, numbered, windows_of

Value = TypeVar("Value")


class Threads:
    """Threads in place of processes."""

    def __init__(self, rank: int, size: int, shelf: list[object], barrier: threading.Barrier) -> None:
        self.rank, self.size = rank, size
        self._shelf, self._barrier = shelf, barrier

    def all_gather(self, value: Value) -> list[Value]:
        self._shelf[self.rank] = value
        self._barrier.wait(60)
        found = list(self._shelf)
        self._barrier.wait(60)
        return found  # type: ignore[return-value]


class Marking:
    """A translator whose translations tell what window they were made in, and which counts them."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def stream(self, lines: Iterable[str], window: int = 2000) -> Iterator[Translation]:
        for done in self.stream_windows(numbered(windows_of(lines, window))):
            yield from done

    def stream_windows(self, windows: Iterable[Window]) -> Iterator[list[Translation]]:
        for first, lines in windows:
            self.made += lines
            yield [Translation(line, (Output(f"{line} of {first}", 0.0, 0.0, (), ()),)) for line in lines]


def by_threads(size: int, lines: Sequence[str]) -> tuple[list[list[str]], list[Marking]]:
    """What each of several processes gets, and their translators."""
    shelf: list[object] = [None] * size
    barrier = threading.Barrier(size)
    translators = [Marking() for _ in range(size)]

    def one(rank: int) -> list[str]:
        spread = DistributedTranslator(translators[rank], Threads(rank, size, shelf, barrier))
        return [translation.text for translation in spread.stream(lines, window=32)]

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(one, range(size))), translators


@pytest.mark.parametrize("count", [0, 1, 16, 17, 48, 49, 300])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_every_process_has_all_translations_in_order_and_each_line_is_translated_once(size: int, count: int) -> None:
    lines = [f"line {number}" for number in range(count)]
    expected = [translation.text for translation in Marking().stream(lines, window=32)]
    found, translators = by_threads(size, lines)
    assert found == [expected] * size
    assert sorted(line for each in translators for line in each.made) == sorted(lines)
    if count == 300:
        assert all(translator.made for translator in translators)


def test_a_process_by_itself_shares_with_nobody() -> None:
    lines = ["a", "b"]
    assert [each.source for each in DistributedTranslator(Marking(), OneProcess()).stream(lines)] == lines
