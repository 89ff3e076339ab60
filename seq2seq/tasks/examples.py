"""A command to try a finished run with, for the last line of a training run."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from itertools import islice

from seq2seq.run import Run

_LOOKED_AT = 1000  # lines of a test set
_SHORT = 60  # characters


def example(command: str, lines: Iterable[str], run: Run) -> str:
    """A shell command with the first short line, else the first words of a line; no line that looks like an option."""
    usable = [line.strip() for line in islice(lines, _LOOKED_AT)]
    usable = [line for line in usable if line.isprintable() and any(map(str.isalpha, line)) and line[0] != "-"]
    short = next((line for line in usable if len(line) <= _SHORT), None)
    if short is None and usable:
        words = usable[0][: _SHORT + 1].rpartition(" ")[0]
        short = words or usable[0][:_SHORT]
    return f"seqx {command} {shlex.quote(short or '...')} --run {shlex.quote(str(run.path))}"
