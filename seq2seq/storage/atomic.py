"""Atomic files: written beside their place, flushed to the disk, renamed."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

if sys.platform != "win32":
    import fcntl

_MAX_LINKS = 40  # in a chain, as on Linux
_LONGEST_NAME = 100  # bytes of a file's name that its partial file's name keeps
_OPEN_FILE = re.compile(r"(/proc/(?P<process>\d+)(/task/\d+)?/fd|/dev/fd)/(?P<number>\d+)")
# What renaming over a mount point, or over another user's file in /tmp, raises.
_NOT_RENAMED = (errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `path` that replaces it when the block succeeds, and is deleted when it fails. An OSError of
    writing names `path`.

    Links are followed. A file that is replaced keeps its mode and, where possible, its owner; one that cannot be
    renamed over (a mount point, or its folder cannot be written to) is overwritten when the block ends. Anything
    other than a regular file, and /dev/stdout or another open file descriptor, is written directly.
    """
    try:
        place = _followed(path)
        former = status_of(place)
        direct = _open_file(place) is not None or not (former is None or stat.S_ISREG(former.st_mode))
        with _direct(place) if direct else _beside(place, former) as file:
            yield file
    except OSError as error:
        if error.filename is None or str(error.filename).endswith(".partial"):
            error.filename, error.filename2 = str(path), None
        raise


@contextmanager
def replacing_all(paths: Iterable[Path]) -> Iterator[list[IO[bytes]]]:
    """Open a file beside each path, as `replacing` does: all replace theirs when the block succeeds and everything is
    written, none when it fails."""
    with ExitStack() as stack:
        files = [stack.enter_context(replacing(path)) for path in paths]
        yield files
        for file in files:
            file.flush()  # a full disk shows here, before the first file is renamed


def must_be_writable(path: Path) -> None:
    """Raise OSError where it is already clear that `replacing` cannot write a file."""
    place = _followed(path)
    if (number := _descriptor(place)) is not None:
        if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise refusal(errno.EBADF, path)
    elif (former := status_of(place)) is None:
        must_take_files(place.parent, place.name)
    elif not stat.S_ISFIFO(former.st_mode):  # opening a pipe waits for a reader
        os.close(os.open(place, os.O_WRONLY))


def must_take_files(folder: Path, *names: str) -> None:
    """Raise OSError where it is already clear that files, of these names, cannot be created in a folder, which would
    be created itself where it does not exist."""
    present = next(place for place in (folder, *folder.parents) if status_of(place) is not None)
    try:
        tempfile.TemporaryFile(dir=present).close()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(present)) from None
    for name in (*folder.relative_to(present).parts, *names):
        status_of(present / name)  # raises for a name that is too long


def refusal(number: int, path: Path) -> OSError:
    """An error as the system raises it."""
    return OSError(number, os.strerror(number), str(path))


def status_of(path: Path) -> os.stat_result | None:
    """The status of a path, its links followed; None where it does not exist."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _followed(path: Path) -> Path:
    """The path that links lead to, which need not exist. Raises OSError for a loop."""
    place = path
    for _ in range(_MAX_LINKS):
        if not place.is_symlink() or _open_file(place):
            return place
        place = place.parent / place.readlink()
    raise refusal(errno.ELOOP, path)


def _open_file(place: Path) -> re.Match[str] | None:
    """The parts of a path that names a file descriptor; the target of such a link need not be a path."""
    return _OPEN_FILE.fullmatch(os.path.join(os.path.realpath(place.parent), place.name))  # noqa: PTH118


def _descriptor(place: Path) -> int | None:
    """The file descriptor of this process that a path names, or None."""
    match = _open_file(place)
    return int(match["number"]) if match and match["process"] in (None, str(os.getpid())) else None


@contextmanager
def _direct(place: Path) -> Iterator[IO[bytes]]:
    number = _descriptor(place)
    # Opening a pipe waits for a reader. A file that is already open is continued at its position.
    handle = os.open(place, os.O_WRONLY | os.O_TRUNC) if number is None else os.dup(number)
    with os.fdopen(handle, "wb") as file:
        yield file
        file.flush()
        _sync(handle)


@contextmanager
def _beside(place: Path, former: os.stat_result | None) -> Iterator[IO[bytes]]:
    place.parent.mkdir(parents=True, exist_ok=True)
    clear_of(place)
    # Whoever may not read the final file may not read the partial one.
    file, partial = _created(place, 0o666 if former is None else 0o600)
    try:
        with being_written(os.dup(file.fileno())):
            if former is not None:
                copy_attributes(partial, place, former)
            with file:
                yield file
                file.flush()
                _sync(file.fileno())
            try:
                partial.replace(place)
            except OSError as error:
                if former is None or error.errno not in _NOT_RENAMED:
                    raise
                _overwrite(place, partial)
        sync_folder(place.parent)
    finally:
        file.close()
        partial.unlink(missing_ok=True)


def _created(place: Path, mode: int) -> tuple[IO[bytes], Path]:
    """A new file beside another; in the system's folder for temporary files where the other is writable but its folder
    is not."""
    try:
        partial = partial_of(place)
        return open(partial, "xb", opener=lambda name, flags: os.open(name, flags, mode)), partial
    except OSError as error:
        writable = os.access(place, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS) or not writable:
            raise
        handle, name = tempfile.mkstemp(suffix=".partial")
        return os.fdopen(handle, "wb"), Path(name)


def partial_of(place: Path) -> Path:
    """A new name for the partial file or folder of a place."""
    return place.with_name(f".{_beginning(place)}.{os.urandom(4).hex()}.partial")


def _beginning(place: Path) -> str:
    return os.fsencode(place.name)[:_LONGEST_NAME].decode(errors="ignore")


def copy_attributes(new: Path, place: Path, former: os.stat_result) -> None:
    """Give a new file or folder the owner, the mode and the access list of the one that it will replace."""
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(new, former.st_uid, former.st_gid)
    shutil.copystat(place, new)
    os.utime(new)


def _overwrite(place: Path, partial: Path) -> None:
    with partial.open("rb") as whole, place.open("r+b") as file:
        shutil.copyfileobj(whole, file)
        file.truncate()
        file.flush()
        _sync(file.fileno())


def clear_of(place: Path) -> None:
    """Delete the partial files and folders that killed processes left beside the file or folder that they wrote."""
    name = re.compile(rf"\.{re.escape(_beginning(place))}\.[a-z0-9_]{{8}}\.partial")
    with suppress(OSError):  # the folder cannot be listed
        clear(path for path in place.parent.iterdir() if name.fullmatch(path.name))


def clear(left: Iterable[Path]) -> None:
    """Delete those partial files and folders that no process is still writing."""
    for path in left:
        with suppress(OSError):
            if sys.platform == "win32":  # where an open file cannot be deleted
                path.unlink()
                continue
            access = os.O_RDONLY if path.is_dir() else os.O_RDWR  # NFS cannot lock a file that is open for reading only
            handle = os.open(path, access | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            finally:
                os.close(handle)


@contextmanager
def being_written(handle: int) -> Iterator[None]:
    """Within the block, `clear` leaves a partial file or folder; the handle is closed at the end."""
    try:
        if sys.platform != "win32":
            with suppress(OSError):  # a file system without locks, on which `clear` deletes nothing
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sync(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a pipe, a device
            raise


def sync_folder(path: Path) -> None:
    """fsync a folder, so that a rename survives a power loss; does nothing where the system cannot."""
    if os.name == "nt":
        return
    with suppress(PermissionError):  # writable, but not readable
        handle = os.open(path, os.O_RDONLY)
        try:
            _sync(handle)
        finally:
            os.close(handle)


def sync_tree(folder: Path) -> None:
    """fsync all files under a folder that another library wrote."""
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb+") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def has_other_names(path: Path) -> bool:
    """Whether a file has other hard links, which writing into it would change too."""
    status = status_of(path)
    return status is not None and stat.S_ISREG(status.st_mode) and status.st_nlink > 1


def write_bytes(path: Path, contents: bytes) -> None:
    """Write a whole file."""
    with replacing(path) as file:
        file.write(contents)


def write_json(path: Path, values: Any) -> None:
    """Write a readable JSON file: indented, accents unescaped."""
    text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    # Half a surrogate pair of a file's name becomes \udce9, which is JSON.
    write_bytes(path, text.encode(errors="backslashreplace"))
