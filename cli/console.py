"""Rich's console, for tables and live displays: text from files cannot control the terminal, and square brackets are
not markup."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from .printing import note, printable, settings

_LEAST_BAR = 10  # columns
_GAP = "  "


class Console(RichConsole):
    """A console without markup, emoji and highlighting. On standard error, --quiet silences it."""

    def __init__(self, *, error: bool = False) -> None:
        plain = os.environ.get("CLICOLOR") == "0" and not os.environ.get("FORCE_COLOR")
        super().__init__(
            stderr=error,
            quiet=error and settings["quiet"],
            markup=False,
            emoji=False,
            highlight=False,
            soft_wrap=True,
            no_color=True if plain else None,
        )

    @property
    def live(self) -> bool:
        """Whether lines can be overwritten: on a terminal with a movable cursor, whatever colours are forced."""
        return not self.quiet and self.file.isatty() and not self.is_dumb_terminal

    @property
    def coloured(self) -> bool:
        """Whether colours are shown."""
        return self.is_terminal and self.color_system is not None and not self.no_color

    def print(self, *objects: Any, **settings: Any) -> None:
        """Like rich's, which would drop some of the characters that `printable` shows."""
        super().print(*(printable(each, "\n") if isinstance(each, str) else each for each in objects), **settings)

    def on_broken_pipe(self) -> None:
        """Raises BrokenPipeError. Rich would end the program here, before the command has saved its results."""
        raise BrokenPipeError

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Segments in which the only control sequences are rich's own."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text, "\n"), segment.style)


@contextmanager
def status() -> Iterator[Callable[[str], None]]:
    """Yields a function that shows progress messages on standard error: in place on a terminal, else one per line."""
    console = Console(error=True)
    if console.live:
        with console.status("") as shown:
            yield lambda text: shown.update(Text(text))
    else:
        yield note


def figures(headings: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> Table:
    """A table of figures, which are never cut: on a narrow terminal, headings and the first `left` columns, of words,
    wrap."""
    rows = list(rows)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), collapse_padding=True)
    for index, heading in enumerate(headings):
        words = index < left
        longest = 0 if words else max((cell_len(row[index]) for row in rows), default=0)
        table.add_column(heading, justify="left" if words else "right", overflow="fold", min_width=longest or None)
    for row in rows:
        table.add_row(*row)
    return table


def cut(text: str, width: int) -> str:
    """A line that fits into some columns, with an ellipsis where it was longer."""
    shown = Text(text)
    shown.truncate(width, overflow="ellipsis")
    return shown.plain


class Bar(Progress):
    """A progress bar on one line: count, bar, the field `figures` (texts, the most important first), elapsed time and
    ETA. On a narrow terminal, figures are left out from the last."""

    def __init__(self, console: Console, unit: str, *, disable: bool = False) -> None:
        self._unit = unit
        super().__init__(
            _Column(self._count),
            BarColumn(None),
            _Column(self._rest),
            console=console,
            disable=disable,
            refresh_per_second=4,
            speed_estimate_period=300,
            redirect_stdout=False,
        )

    def _count(self, task: Task) -> str:
        total = "" if task.total is None else f"/{task.total:,.0f}"
        return self._unit.format(f"{task.completed:,.0f}{total}")

    def _rest(self, task: Task) -> str:
        left = task.time_remaining
        times = f"{clock(task.elapsed or 0)}{_GAP}ETA {'-:--:--' if left is None else clock(left)}"
        space = self.console.width - cell_len(self._count(task)) - len(times) - _LEAST_BAR - 2
        shown = ""
        for figure in task.fields.get("figures", ()):
            if cell_len(shown + figure + _GAP) > space:
                break
            shown += figure + _GAP
        return shown + times


class _Column(ProgressColumn):
    def __init__(self, text: Callable[[Task], str]) -> None:
        self._text = text
        super().__init__(Column(no_wrap=True))

    def render(self, task: Task) -> Text:
        return Text(self._text(task))


def clock(seconds: float) -> str:
    """Hours, minutes, seconds."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
