"""Atomic folders: there with all their files, or not at all."""

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
    being_written,
    clear_of,
    copy_attributes,
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
    """Create a folder beside `folder` that replaces it, with all that the block writes into it, when the block
    succeeds, and is deleted when it fails. Other entries of the old folder stay where `keep` accepts their names.

    The two are exchanged in one step where the system can; elsewhere, `folder_at` finds the old one meanwhile.
    """
    place = Path(os.path.realpath(folder))
    place.parent.mkdir(parents=True, exist_ok=True)
    _recover(place)
    with making_folder(place) as new:
        if place.is_dir():
            new.chmod(0o700)  # whoever may not read the final folder may not read this one
        yield new
        sync_tree(new)
        if (former := status_of(place)) is None:
            new.rename(place)
        else:
            _take_over(place, new, keep)
            copy_attributes(new, place, former)
            if not exchanged(new, place):
                place.rename(_former(place))
                try:
                    new.rename(place)
                finally:
                    _recover(place)
        sync_folder(place.parent)


def _take_over(place: Path, new: Path, keep: Callable[[str], bool]) -> None:
    """Link the entries of a folder that stay into the new one, and give replaced entries their former attributes."""
    for entry in place.iterdir():
        target = new / entry.name
        if target.exists():
            if (former := status_of(entry)) is not None:
                copy_attributes(target, entry, former)
        elif _PARTIAL.fullmatch(entry.name) or not keep(entry.name):
            continue
        elif entry.is_symlink():
            target.symlink_to(entry.readlink())
        elif entry.is_dir():
            shutil.copytree(entry, target, symlinks=True, copy_function=_link)
        else:
            _link(entry, target)


def folder_at(place: Path) -> Path:
    """Where a folder is that is being replaced, or was by a process that was killed."""
    return place if place.is_dir() or not _former(place).is_dir() else _former(place)


def _former(place: Path) -> Path:
    return place.with_name(f".{place.name}.former")


def _recover(place: Path) -> None:
    """Undo the first of two renames where a process was killed between them."""
    former = _former(place)
    if former.is_dir() and place.is_dir():
        shutil.rmtree(former)
    elif former.is_dir():
        former.rename(place)


def _link(entry: str | Path, place: str | Path) -> None:
    try:
        os.link(entry, place)
    except OSError:  # a file system without hard links
        shutil.copy2(entry, place)


def exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system cannot."""
    import ctypes  # slow to import, and seldom needed

    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return bool(rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)


@contextmanager
def making_folder(place: Path) -> Iterator[Path]:
    """A new folder beside `place`, deleted when the block ends unless it was renamed."""
    clear_of(place)
    new = partial_of(place)
    new.mkdir()
    try:
        with being_written(os.open(new, os.O_RDONLY)) if sys.platform != "win32" else nullcontext():
            yield new
    finally:
        shutil.rmtree(new, ignore_errors=True)


def must_be_replaceable(folder: Path) -> None:
    """Raise OSError where it is already clear that `replacing_folder` cannot create a folder."""
    place = Path(os.path.realpath(folder))
    must_take_files(place.parent)
    if status_of(place) is not None:
        must_take_files(place)
        if os.path.ismount(place) or str(place) in _mount_points():
            raise refusal(errno.EBUSY, folder)


def _mount_points() -> list[str]:
    """The mount points of Linux, those within one file system included."""
    with suppress(OSError):
        return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    return []
