"""What every case asserts: one or two lines that name the thing, the exit code, no traceback, nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tests.support.command import Done, Seqx


class Case(NamedTuple):
    """Words of a command and what standard error must say. `{run}` and `{text}` stand for trained runs."""

    code: int
    arguments: str
    words: tuple[str, ...]
    begun: bool = False  # it is found while a run is prepared: empty folders around that of the run may be left


def check(done: Done, code: int, *words: str) -> None:
    """One or two lines on standard error (a usage error has Click's frame around), naming the thing; no traceback."""
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    lines = [line for line in done.err.split("\n") if line]
    assert 1 <= len(lines) <= (2 if code == 1 else 12), done.err
    assert all(len(line) <= 1000 for line in lines), done.err
    for word in words:
        assert word in done.err, done.err


def snapshot(folder: Path) -> dict[Path, bytes | int | None]:
    """All that is in a folder: the contents of files, the size of those that are not to be read, None for folders."""
    return {path: _contents(path) if path.is_file() else None for path in folder.rglob("*")}


def _contents(path: Path) -> bytes | int:
    size = path.stat().st_size
    return path.read_bytes() if size < 1 << 30 else size


def refused(seqx: Seqx, case: Case, here: Path, **folders: Path) -> None:
    """Run a case in the folder `here`, and assert all of the above."""
    watched = [here, *folders.values()]
    before = [snapshot(folder) for folder in watched]
    arguments = [word.format(**folders) for word in case.arguments.split()]
    check(seqx(*arguments), case.code, *case.words)
    after = [snapshot(folder) for folder in watched]
    if case.begun:
        assert not [path for path, contents in after[0].items() if path not in before[0] and contents is not None]
        after[0] = {path: contents for path, contents in after[0].items() if path in before[0]}
    assert after == before
