"""All output goes through here: text from files or users must not control the terminal.

Tables and live displays go through `cli.console`, which imports rich; nothing else in cli/ prints.
"""

from __future__ import annotations

import json
import re
import sys
from typing import IO, Any, cast

_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u2028\u2029"  # line and paragraph separators
    "\u202a-\u202e\u2066-\u2069"  # embeddings, overrides and isolates of direction
    "\ud800-\udfff]"  # from paths that are not UTF-8
)
settings = {"debug": False, "quiet": False}  # the options of these names


def printable(text: str, kept: str = "") -> str:
    """The text with control characters written as escapes (ESC as \\x1b), except those in `kept`."""
    return _STEERING.sub(lambda each: each[0] if each[0] in kept else each[0].encode("unicode_escape").decode(), text)


def note(message: str) -> None:
    """A message on standard error, unless --quiet was given."""
    if not settings["quiet"]:
        report(message)


def report(message: str) -> None:
    """An error, or what else is shown even with --quiet, on standard error."""
    print(printable(message, "\n\t"), file=sys.stderr, flush=True)


def show(text: str) -> None:
    """A line of results for people, on standard output."""
    print(printable(text, "\n\t"))


def to_json(values: Any, *, indent: int | None = None) -> str:
    """JSON with non-ASCII letters unescaped and control characters escaped."""
    text = json.dumps(values, indent=indent, ensure_ascii=False)
    return _STEERING.sub(lambda each: each[0] if each[0] == "\n" else f"\\u{ord(each[0]):04x}", text)


def show_json(values: Any) -> None:
    """JSON as the result of a command, on standard output, indented."""
    print(to_json(values, indent=2))


def results() -> IO[bytes]:
    """Standard output for unchanged UTF-8 text; only on a terminal are control characters escaped."""
    out = sys.stdout.buffer
    return cast(IO[bytes], _Shown(out)) if sys.stdout.isatty() else out


def write_text(file: IO[bytes], text: str) -> None:
    """Write a part of the results at once."""
    file.write(text.encode("utf-8", "replace"))
    file.flush()


class _Shown:
    """A binary file on a terminal; each write must be of whole UTF-8 characters."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.flush = file.flush

    def write(self, text: bytes) -> int:
        self._file.write(printable(text.decode("utf-8", "replace"), "\n\t").encode())
        return len(text)
