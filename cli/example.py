"""What to type first with a run that is just trained: a command with text of the run's own test set."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seq2seq.run import Run

_LOOKED_AT = 1000  # lines
_SHORT = 60  # characters


def example(run: Run) -> str:
    """The command. Raises DataError where the test set cannot be read."""
    from seq2seq.evaluation import fluency, judge

    if run.form == "text":
        lines = (line for text in fluency.read_set(run).read() for line in text.split("\n"))
        return f"seqx generate {_quoted(lines)} --run {shlex.quote(str(run.path))}"
    return f"seqx translate {_quoted(each.source for each in judge.read_set(run))} --run {shlex.quote(str(run.path))}"


def _quoted(lines: Iterable[str]) -> str:
    """The first line that is short, else the first words of one; for a shell, and no option."""
    usable = [line.strip() for line in islice(lines, _LOOKED_AT)]
    usable = [line for line in usable if line.isprintable() and any(map(str.isalpha, line)) and line[0] != "-"]
    short = next((line for line in usable if len(line) <= _SHORT), None)
    if short is None and usable:
        words = usable[0][: _SHORT + 1].rpartition(" ")[0]
        short = words or usable[0][:_SHORT]
    return shlex.quote(short or "...")
