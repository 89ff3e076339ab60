"""A pack that a stranger made is refused in a line: nothing is written, neither beside it nor in the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.test_folders import bounded
from tests.support.bad_input import check, snapshot
from tests.support.command import Seqx, run
from tests.support.hostile_packs import PACKS, Files, read, write


@pytest.fixture(scope="module")
def files(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The files of a good pack."""
    good = tmp_path_factory.mktemp("packs") / "good.seqx"
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert run(["pack", "--run", str(trained), "--to", str(good)], b"", monkeypatch).code == 0
    return read(good)


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_of_a_stranger_is_refused(
    seqx: Seqx, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    make, words = PACKS[name]
    make(files, tmp_path / "pack.seqx")
    before = snapshot(tmp_path)
    with bounded():
        done = seqx("translate", "un chat", "--run", "pack.seqx")
    check(done, 1, "pack.seqx", words)
    assert done.err.count("\n") == 1 and done.out == ""
    after = {path: contents for path, contents in snapshot(tmp_path).items() if contents is not None}
    written = {path for path in after if before.get(path) != after[path]}
    assert {path.name for path in written} <= {"checksums.json"}  # of the cache
    assert not list((tmp_path / "cache").rglob("recipe.toml"))
    assert not Path("/tmp/canary").exists()


def test_there_are_many_of_them() -> None:
    assert len(PACKS) >= 15


def test_the_files_as_they_are_make_a_pack_that_opens(seqx: Seqx, files: Files, tmp_path: Path) -> None:
    write(files, tmp_path / "pack.seqx")
    assert seqx("translate", "un chat", "--run", "pack.seqx").code == 0


def test_a_pack_that_cannot_be_unpacked_says_what_to_set(
    seqx: Seqx, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(files, tmp_path / "pack.seqx")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    check(seqx("translate", "un chat", "--run", "pack.seqx"), 1, "cannot be unpacked", "XDG_CACHE_HOME")
