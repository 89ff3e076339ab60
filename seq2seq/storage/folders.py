"""Folders that are whole or not there, with all their files."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from seq2seq.storage.atomic import (
    alive,
    clear_of,
    liken,
    must_take_files,
    partial_of,
    refusal,
    status_of,
    sync_folder,
    sync_tree,
)

_PARTIAL = re.compile(r"\..+\.[a-z0-9_]{8}\.partial")
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of renameat2(2)


@contextmanager
def replacing_folder(folder: Path, keep: Callable[[str], bool]) -> Iterator[Path]:
    """Make a folder beside `folder` that takes its place, with all that the block puts into it, when the block ends
    well, and vanishes when it does not. What else was there stays where `keep` says so of its name.

    The two change places at once where the system can do that; elsewhere, `folder_at` finds the old one meanwhile.
    """
    place = Path(os.path.realpath(folder))
    place.parent.mkdir(parents=True, exist_ok=True)
    _recover(place)
    with making_folder(place) as made:
        if place.is_dir():
            made.chmod(0o700)  # nobody may read meanwhile what he may not read in the end
        yield made
        sync_tree(made)
        if (former := status_of(place)) is None:
            made.rename(place)
        else:
            _take_over(place, made, keep)
            liken(made, place, former)
            if not exchanged(made, place):
                place.rename(_former(place))
                try:
                    made.rename(place)
                finally:
                    _recover(place)
        sync_folder(place.parent)


def _take_over(place: Path, made: Path, keep: Callable[[str], bool]) -> None:
    """Give what stays of a folder a second place in the one that is made, and to what is replaced the former mode."""
    for entry in place.iterdir():
        new = made / entry.name
        if new.exists():
            if (former := status_of(entry)) is not None:
                liken(new, entry, former)
        elif _PARTIAL.fullmatch(entry.name) or not keep(entry.name):
            continue
        elif entry.is_symlink():
            new.symlink_to(entry.readlink())
        elif entry.is_dir():
            shutil.copytree(entry, new, symlinks=True, copy_function=_link)
        else:
            _link(entry, new)


def folder_at(place: Path) -> Path:
    """Where a folder is that may just be being replaced, or was, by a process that was killed."""
    return place if place.is_dir() or not _former(place).is_dir() else _former(place)


def _former(place: Path) -> Path:
    return place.with_name(f".{place.name}.former")


def _recover(place: Path) -> None:
    """Undo what a process did that was killed between two renames."""
    former = _former(place)
    if former.is_dir() and place.is_dir():
        shutil.rmtree(former)
    elif former.is_dir():
        former.rename(place)


def _link(entry: str | Path, place: str | Path) -> None:
    try:
        os.link(entry, place)
    except OSError:  # a disk without links
        shutil.copy2(entry, place)


def exchanged(one: Path, other: Path) -> bool:
    """Have two folders change places, where the system can."""
    import ctypes  # here: it takes longer to import than the rest

    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return bool(rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)


@contextmanager
def making_folder(place: Path) -> Iterator[Path]:
    """A new folder beside `place`, to be renamed; where it is not, it is deleted when the block ends."""
    clear_of(place)
    made = partial_of(place)
    made.mkdir()
    try:
        with alive(os.open(made, os.O_RDONLY)) if sys.platform != "win32" else nullcontext():
            yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def must_be_replaceable(folder: Path) -> None:
    """Raise OSError where it is known beforehand that `replacing_folder` cannot make a folder."""
    place = Path(os.path.realpath(folder))
    must_take_files(place.parent)
    if status_of(place) is not None:
        must_take_files(place)
        if os.path.ismount(place) or str(place) in _mount_points():
            raise refusal(errno.EBUSY, folder)


def _mount_points() -> list[str]:
    """Those of one and the same disk too, on Linux."""
    with suppress(OSError):
        return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    return []
