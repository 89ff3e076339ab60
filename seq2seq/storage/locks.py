"""Locks between processes."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seq2seq.storage.atomic import has_other_names


class LockedError(Exception):
    """Another process holds a lock; the message is its process ID, or empty where that is unknown."""


@contextmanager
def lock(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold a lock that the system releases when this process ends, however it ends. The file stays.

    Where another process holds it: wait for it, or raise LockedError. Raises OSError where the file cannot be written,
    or has another hard link.
    """
    from filelock import FileLock, Timeout

    if path.is_symlink() or has_other_names(path):
        raise OSError(errno.EMLINK, "a link to a file elsewhere, which would be overwritten; delete it", str(path))
    held = FileLock(path)
    try:
        held.acquire(blocking=wait)
    except Timeout:
        raise LockedError(path.read_text(encoding="ascii", errors="replace").strip()) from None
    try:
        with suppress(OSError):  # on a full disk the lock is held all the same, by an unnamed process
            path.write_text(f"{os.getpid()}\n", encoding="ascii")
        yield
    finally:
        held.release()


def holder(path: Path) -> str | None:
    """The process ID of the process that holds a lock, or an empty text where it is unknown; None where none does."""
    if not path.is_file() or path.is_symlink() or has_other_names(path):
        return None
    from filelock import FileLock, Timeout

    tried = FileLock(path)
    try:
        tried.acquire(blocking=False)
    except Timeout:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None  # it may not be written to, nor locked by anyone with our permissions
    tried.release()
    return None
