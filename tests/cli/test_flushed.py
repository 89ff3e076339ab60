"""A file has its name when the disk has its bytes: a machine that loses its power keeps the old file or the new one."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import tiny
from tests.support.command import Seqx


class _Disk:
    """Notes what the disk was told to keep, and what took a name before that."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder  # elsewhere, in the user's cache, nothing is lost with a file
        self.kept: set[tuple[int, int]] = set()  # (file, bytes)
        self.folders: list[Path] = []  # in which a name is not kept yet
        self.early: list[Path] = []  # files whose names were there before their bytes
        self.named: set[str] = set()

    def sync(self, handle: int) -> None:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            self.folders = [folder for folder in self.folders if not folder.samefile(f"/proc/self/fd/{handle}")]
        else:
            self.kept.add((found.st_ino, found.st_size))

    def name(self, source: Path, target: Path) -> None:
        if target.name.startswith(".") or not target.absolute().is_relative_to(self._folder):
            return  # on its way to be deleted, or not of the run
        files = [path for path in source.rglob("*") if path.is_file()] if source.is_dir() else [source]
        states = {path: path.stat() for path in files}
        self.early += [path for path, state in states.items() if (state.st_ino, state.st_size) not in self.kept]
        self.folders.append(target.parent)
        self.named.add(target.name)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="asks /proc for the name of an open folder")
def test_what_a_training_leaves_is_on_the_disk_before_it_has_its_name(
    seqx: Seqx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = _Disk(tmp_path)

    def spied(function: Callable[..., Any], note: Callable[..., None]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            note(*(Path(each) if isinstance(each, str) else each for each in arguments))
            return function(*arguments)

        return call

    monkeypatch.setattr(os, "fsync", spied(os.fsync, disk.sync))
    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, spied(getattr(os, name), disk.name))
    done = seqx("train", *tiny.arguments(tmp_path), "--run", "run", "--device", "cpu", "--set", "training.steps=4")
    assert done.code == 0, done.err
    assert {"recipe.toml", "run.json", "model.safetensors", "ctranslate2", "step-0000004"} <= disk.named
    assert any((tmp_path / ".cache" / name).is_dir() for name in disk.named)
    assert disk.early == []
    assert disk.folders == []
