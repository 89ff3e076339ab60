"""Standard streams that work however the process was started."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO, TypeGuard

if TYPE_CHECKING:
    from typing_extensions import Buffer

_NAMES = ("stdin", "stdout", "stderr")  # by their numbers
# A name like /dev/stdout still fails on use; messages on standard error are dropped.
_UNUSABLE = (os.O_WRONLY, os.O_RDONLY, os.O_RDWR)
_OUTPUT = "standard output"
_closed: set[str] = set()


def is_closed(name: str) -> bool:
    """Whether stdin, stdout or stderr was closed, or open in the wrong mode, when the command began."""
    return name in _closed


@contextmanager
def ready() -> Iterator[None]:
    """Within this context: text is UTF-8, whatever the locale; a closed stream is replaced, since the next file opened
    would get its number; errors of standard output name it; messages that standard error does not take are dropped."""
    _ensure_utf8()
    _closed.clear()
    for number, name in enumerate(_NAMES):
        if not _is_open(number):
            _closed.add(name)
            _replace(number, _UNUSABLE[number])
    before = [getattr(sys, name) for name in _NAMES]
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, "w" if number else "r", closefd=False) if stream is None else stream
        for number, stream in enumerate(before)
    )
    if _is_file(out := sys.stdout):
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(_Output(out.fileno(), "wb", closefd=False)),
            line_buffering=out.line_buffering or out.write_through,  # the latter by PYTHONUNBUFFERED
        )
    if _is_file(sys.stderr):
        sys.stderr = io.TextIOWrapper(_Notes(sys.stderr.fileno(), "wb", closefd=False), line_buffering=True)
    for name in _NAMES:
        if isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace" if name == "stdin" else "backslashreplace")
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


def drop_output(error: OSError | None = None) -> None:
    """Discard what is printed to standard output, where it is closed or `error` is its own."""
    if is_closed("stdout") or (error is not None and error.filename == _OUTPUT):
        _closed.discard("stdout")
        with suppress(OSError, ValueError):
            _replace(sys.stdout.fileno())


def _is_file(stream: TextIO) -> TypeGuard[io.TextIOWrapper]:
    """Whether a stream writes to a file of the system."""
    return isinstance(stream, io.TextIOWrapper) and isinstance(getattr(stream.buffer, "raw", stream.buffer), io.FileIO)


def _ensure_utf8() -> None:
    """Restart in Python's UTF-8 mode where the locale makes Python read arguments and paths as ASCII."""
    if sys.getfilesystemencoding() == "ascii" and not sys.flags.utf8_mode and sys.executable:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def _is_open(number: int) -> bool:
    """Whether a standard stream can be read, or written, by its number."""
    try:
        os.fstat(number)
        if os.name == "nt":
            return True
        import fcntl

        access = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE
    except OSError:
        return False
    return access in (os.O_RDWR, os.O_WRONLY if number else os.O_RDONLY)


def _replace(number: int, mode: int = os.O_RDWR) -> None:
    null = os.open(os.devnull, mode)
    if null != number:
        os.dup2(null, number)
        os.close(null)
    os.set_inheritable(number, True)


class _Output(io.FileIO):
    """Standard output, with errors that name it."""

    def write(self, contents: Buffer) -> int:
        if is_closed("stdout"):
            raise OSError(errno.EBADF, "it is closed", _OUTPUT)
        try:
            return super().write(contents)
        except OSError as error:
            error.filename = _OUTPUT
            raise


class _Notes(io.FileIO):
    """Standard error: a failed write (a full disk, a closed terminal) does not end the command."""

    def write(self, contents: Buffer) -> int:
        try:
            return super().write(contents)
        except OSError:
            with suppress(OSError):
                _replace(self.fileno())
            return memoryview(contents).nbytes
