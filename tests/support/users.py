"""What a user may not write: tests that run as root become another user for a while."""

from __future__ import annotations

import os
import secrets  # noqa: F401 (filelock imports it late, when the other user cannot)
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


@contextmanager
def another_user() -> Iterator[None]:
    """Be a user to whom nothing belongs; whoever is no root stays who he is. Skips the test where another user cannot
    read the packages that are installed."""
    if os.geteuid() != 0:
        yield
        return
    for folder in (Path(sys.prefix), *Path(sys.prefix).parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            pytest.skip(f"another user cannot enter {folder}, where Python's packages are")
    group = os.getegid()
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


@contextmanager
def open_to_all() -> Iterator[Path]:
    """A folder that any user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="seqx-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for path in folder.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(folder)


def seal(folder: Path) -> None:
    """Have nobody but root write into a folder, nor into its files; any user may read them."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
