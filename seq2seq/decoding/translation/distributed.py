"""A text translated by several processes, with the translations of a single one: each takes whole windows of lines in
turn, and all receive all translations, in order."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import Protocol, TypeVar

from seq2seq.decoding.translation.outputs import Translation
from seq2seq.decoding.translation.windows import Window, numbered, windows_of

Value = TypeVar("Value")


class Processes(Protocol):
    """The processes that work together, as far as this module needs them."""

    rank: int = 0  # of this one
    size: int = 1

    def all_gather(self, value: Value) -> list[Value]:
        """The values of all processes, in their order."""
        return [value]


class OneProcess(Processes):
    """A process by itself."""


class Translates(Protocol):
    """The part of a translator that this module needs."""

    def stream(self, lines: Iterable[str]) -> Iterator[Translation]:
        """Translations in the order of the lines."""

    def stream_windows(self, windows: Iterable[Window]) -> Generator[list[Translation], None, None]:
        """The translations of each window, in order."""


class DistributedTranslator:
    """A translator of several processes, each of which has one and calls this with the same text.

    Window i is translated by process i modulo their number only, so that each translation is a single process's. A
    process waits for the others after each round of windows.
    """

    def __init__(self, translator: Translates, processes: Processes) -> None:
        self._translator = translator
        self._processes = processes

    def stream(self, lines: Iterable[str], *, window: int = 2000) -> Iterator[Translation]:
        """Translations in the order of the lines, in bounded memory."""
        for done in self.stream_windows(numbered(windows_of(lines, window))):
            yield from done

    def stream_windows(self, windows: Iterable[Window]) -> Generator[list[Translation], None, None]:
        """The translations of each window, in order, as soon as its round is translated."""
        own = self._translator.stream_windows(islice(windows, self._processes.rank, None, self._processes.size))
        while True:
            for done in self._processes.all_gather(next(own, None)):
                if done is None:
                    return
                yield done
