"""The progress of a long translation: a bar on standard error, where that is a terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.errors import SeqxError

from . import processes
from .printing import note, report, settings

if TYPE_CHECKING:
    from seq2seq.decoding.translation.distributed import Translates
    from seq2seq.decoding.translation.outputs import Translation
    from seq2seq.decoding.translation.windows import Window

_SOON = 2.0  # seconds; a shorter translation needs no bar
_OFTEN = 0.25  # seconds between updates of the bar


class Counted:
    """A translator that counts its translated lines."""

    def __init__(self, translator: Translates) -> None:
        self.lines = 0
        self._translator = translator

    def stream(self, lines: Iterable[str]) -> Iterator[Translation]:
        """Translations in the order of the lines."""
        for translation in self._translator.stream(lines):
            self.lines += 1
            yield translation

    def stream_windows(self, windows: Iterable[Window]) -> Generator[list[Translation], None, None]:
        """The translations of each window, in order."""
        with closing(self._translator.stream_windows(windows)) as translated:
            for done in translated:
                self.lines += len(done)
                yield done


@contextmanager
def watched(
    translator: Translates, lines: int | Callable[[], Iterable[object]] | None, *, hidden: bool = False
) -> Iterator[Counted]:
    """A translator whose progress is shown if it takes a while. `lines`: their number, or a function that returns them
    to be counted meanwhile; None where it is unknown."""
    counted = Counted(translator)
    if hidden or settings["quiet"] or not sys.stderr.isatty():
        yield counted
        return
    ended = threading.Event()
    shown = threading.Thread(target=_show, args=(counted, lines, ended), daemon=True)
    shown.start()
    try:
        yield counted
    finally:
        ended.set()
        shown.join()


class CommandLineFront:
    """The command line's side of an evaluation: implements `seq2seq.tasks.task.Front`."""

    say = staticmethod(note)
    together = staticmethod(processes.together)
    watched = staticmethod(watched)


@contextmanager
def reporting_interruption(output: Path | None, counted: Counted | None = None) -> Iterator[None]:
    """Where this is interrupted, report that nothing is written to the output file."""
    try:
        yield
    except KeyboardInterrupt:
        if output is not None and processes.main() and (output.is_file() or not output.exists()):
            done = f" after {counted.lines:,} lines; none of them" if counted else "; nothing"
            report(f"\nStopped{done} is written to {output}")
        raise


def _show(counted: Counted, lines: int | Callable[[], Iterable[object]] | None, ended: threading.Event) -> None:
    if ended.wait(_SOON):
        return
    from .console import Bar, Console

    console = Console(error=True)
    with Bar(console, "{} lines", disable=not console.live) as bar:
        task = bar.add_task("", total=lines if isinstance(lines, int) else None)
        if callable(lines):
            bar.update(task, total=_length(lines(), ended))
        while True:
            over = ended.wait(_OFTEN)
            speed = bar.tasks[0].speed
            bar.update(task, completed=counted.lines, figures=[f"{speed:,.0f} lines/s"] if speed else [])
            if over:
                return


def _length(lines: Iterable[object], ended: threading.Event) -> int | None:
    try:
        count = sum(1 for _ in takewhile(lambda _: not ended.is_set(), lines))
    except SeqxError:
        return None  # reported by the translation itself
    return None if ended.is_set() else count
