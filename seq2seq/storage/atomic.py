"""Files that are whole or not there: written beside, flushed to the disk, renamed."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

if sys.platform != "win32":
    import fcntl

_MOST_LINKS = 40  # one leading to the next, as on Linux
_LONGEST_NAME = 100  # bytes that a partial file has of the name of the whole one
_OPEN_FILE = re.compile(r"(/proc/(?P<process>\d+)(/task/\d+)?/fd|/dev/fd)/(?P<number>\d+)")
# What renaming over a mount point, or over another user's file in /tmp, raises.
_NOT_RENAMED = (errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `path` that takes its place when the block ends well, and vanishes when it does not. An
    OSError of writing names `path`.

    Links are followed. A file that is replaced keeps its mode and, where possible, its owner; one that cannot be
    renamed over (a mount point, or its folder cannot be written to) is overwritten when the block ends. What is no
    regular file, and /dev/stdout or another number of an open file, is written straight through.
    """
    try:
        place = _followed(path)
        former = status_of(place)
        straight = _open_file(place) is not None or not (former is None or stat.S_ISREG(former.st_mode))
        with _through(place) if straight else _beside(place, former) as file:
            yield file
    except OSError as error:
        if error.filename is None or str(error.filename).endswith(".partial"):
            error.filename, error.filename2 = str(path), None
        raise


def must_be_writable(path: Path) -> None:
    """Raise OSError where it is known beforehand that `replacing` cannot write a file."""
    place = _followed(path)
    if (number := _descriptor(place)) is not None:
        if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise refusal(errno.EBADF, path)
    elif (former := status_of(place)) is None:
        must_take_files(place.parent, place.name)
    elif stat.S_ISDIR(former.st_mode):
        raise refusal(errno.EISDIR, path)
    elif stat.S_ISSOCK(former.st_mode):
        raise refusal(errno.ENXIO, path)
    else:
        _must_allow(place, os.W_OK)


def must_take_files(folder: Path, *names: str) -> None:
    """Raise OSError where it is known that nothing, or none of some names, can be made in a folder, which is to be
    made itself where it is not there."""
    present = next(each for each in (folder, *folder.parents) if status_of(each) is not None)
    status = present.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise refusal(errno.ENOTDIR, present)
    if not status.st_nlink:  # deleted, and still the working directory
        raise refusal(errno.ENOENT, present)
    _must_allow(present, os.W_OK | os.X_OK)
    longest = os.pathconf(present, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
    for name in (*folder.relative_to(present).parts, *names):
        if len(os.fsencode(name)) > longest:
            raise refusal(errno.ENAMETOOLONG, folder / name)


def _must_allow(path: Path, mode: int) -> None:
    if not _allowed(path, mode):
        sealed = hasattr(os, "statvfs") and os.statvfs(path).f_flag & os.ST_RDONLY
        raise refusal(errno.EROFS if sealed else errno.EACCES, path)


def _allowed(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def refusal(number: int, path: Path) -> OSError:
    """An error as the system raises it."""
    return OSError(number, os.strerror(number), str(path))


def status_of(path: Path) -> os.stat_result | None:
    """What the system knows of a path, its links followed; None where nothing is there."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _followed(path: Path) -> Path:
    """Where links lead, though nothing be there yet. Raises OSError for a circle."""
    place = path
    for _ in range(_MOST_LINKS):
        if not place.is_symlink() or _open_file(place):
            return place
        place = place.parent / place.readlink()
    raise refusal(errno.ELOOP, path)


def _open_file(place: Path) -> re.Match[str] | None:
    """The parts of a path that is the number of an open file; what such a link shows need not be a path."""
    return _OPEN_FILE.fullmatch(os.path.join(os.path.realpath(place.parent), place.name))  # noqa: PTH118


def _descriptor(place: Path) -> int | None:
    """The number of an open file of this process, None of anything else."""
    match = _open_file(place)
    return int(match["number"]) if match and match["process"] in (None, str(os.getpid())) else None


@contextmanager
def _through(place: Path) -> Iterator[IO[bytes]]:
    number = _descriptor(place)
    # A pipe is waited for here until someone reads it. What is open already goes on where it is.
    handle = os.open(place, os.O_WRONLY | os.O_TRUNC) if number is None else os.dup(number)
    with os.fdopen(handle, "wb") as file:
        yield file
        file.flush()
        _sync(handle)


@contextmanager
def _beside(place: Path, former: os.stat_result | None) -> Iterator[IO[bytes]]:
    place.parent.mkdir(parents=True, exist_ok=True)
    clear_of(place)
    # Nobody may read meanwhile what he may not read in the end.
    file, partial = _created(place, 0o666 if former is None else 0o600)
    try:
        with alive(os.dup(file.fileno())):
            if former is not None:
                liken(partial, place, former)
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
    """A new file beside another, or among the system's temporary ones where that may be written to and its folder may
    not."""
    try:
        partial = partial_of(place)
        return open(partial, "xb", opener=lambda name, flags: os.open(name, flags, mode)), partial
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS) or not _allowed(place, os.W_OK):
            raise
        import tempfile

        handle, name = tempfile.mkstemp(suffix=".partial")
        return os.fdopen(handle, "wb"), Path(name)


def partial_of(place: Path) -> Path:
    """A name for what is not whole yet."""
    return place.with_name(f".{_beginning(place)}.{os.urandom(4).hex()}.partial")


def _beginning(place: Path) -> str:
    return os.fsencode(place.name)[:_LONGEST_NAME].decode(errors="ignore")


def liken(made: Path, place: Path, former: os.stat_result) -> None:
    """Give what is made the owner, the mode and the access list of what it will replace."""
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(made, former.st_uid, former.st_gid)
    shutil.copystat(place, made)
    os.utime(made)


def _overwrite(place: Path, partial: Path) -> None:
    with partial.open("rb") as whole, place.open("r+b") as file:
        shutil.copyfileobj(whole, file)
        file.truncate()
        file.flush()
        _sync(file.fileno())


def clear_of(place: Path) -> None:
    """Delete what killed processes left beside a file, or a folder, that they were writing."""
    name = re.compile(rf"\.{re.escape(_beginning(place))}\.[a-z0-9_]{{8}}\.partial")
    with suppress(OSError):  # a folder that may not be listed
        clear(each for each in place.parent.iterdir() if name.fullmatch(each.name))


def clear(left: Iterable[Path]) -> None:
    """Delete those partial files and folders that no process is writing any more."""
    for path in left:
        with suppress(OSError):
            if sys.platform == "win32":  # where nothing that is open can be deleted
                path.unlink()
                continue
            access = os.O_RDONLY if path.is_dir() else os.O_RDWR  # NFS locks nothing that is open for reading alone
            handle = os.open(path, access | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            finally:
                os.close(handle)


@contextmanager
def alive(handle: int) -> Iterator[None]:
    """Have `clear` see that a partial file or folder is being written; the handle is closed when the block ends."""
    try:
        if sys.platform != "win32":
            with suppress(OSError):  # a disk without locks: `clear` deletes nothing there
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
    """Have the disk know the names in a folder, where the system can be told so: a rename may else be forgotten."""
    if os.name == "nt":
        return
    with suppress(PermissionError):  # it may be written to, and not listed
        handle = os.open(path, os.O_RDONLY)
        try:
            _sync(handle)
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


def has_other_names(path: Path) -> bool:
    """Whether a file is there under other names too, by hard links: whoever writes into it writes into theirs."""
    status = status_of(path)
    return status is not None and stat.S_ISREG(status.st_mode) and status.st_nlink > 1


def write_bytes(path: Path, contents: bytes) -> None:
    """Write a whole file."""
    with replacing(path) as file:
        file.write(contents)


def write_json(path: Path, values: Any) -> None:
    """Write a JSON file for people too: indented, accents as they are."""
    text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    write_bytes(path, text.encode(errors="backslashreplace"))  # of a file's name that is no text: \udce9, which is JSON
