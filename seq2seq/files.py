"""Files that are whole or not there: written beside, flushed to the disk, renamed."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `path` that takes its place when the block ends well, and vanishes when it does not. An
    OSError of writing names `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files; these are as readable as any other that the user writes.
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
        sync_folder(path.parent)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise


def sync_folder(path: Path) -> None:
    """Have the disk know the names in a folder, where the system can be told so: a rename may else be forgotten."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Have the disk know all files under a folder that others wrote."""
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb+") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


class LockedError(Exception):
    """Another process holds a lock; the message is its number, or nothing where it is not known."""


@contextmanager
def lock(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold a lock that the system ends with this process, however it ends. The file stays.

    Where another process holds it: wait for it, or raise LockedError. Raises OSError where the file cannot be written.
    """
    from filelock import FileLock, Timeout

    held = FileLock(path)
    try:
        held.acquire(blocking=wait)
    except Timeout:
        raise LockedError(path.read_text(encoding="ascii", errors="replace").strip()) from None
    try:
        with suppress(OSError):  # on a full disk it is not known who holds the lock, and held it is
            path.write_text(f"{os.getpid()}\n", encoding="ascii")
        yield
    finally:
        held.release()


def write_bytes(path: Path, contents: bytes) -> None:
    """Write a whole file."""
    with replacing(path) as file:
        file.write(contents)


def write_json(path: Path, values: Any) -> None:
    """Write a JSON file for people too: indented, accents as they are."""
    write_bytes(path, (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode())


def sha256(path: Path) -> str:
    """The checksum of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
