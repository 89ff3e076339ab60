"""Encoded text lies beside the run that it is for, and whoever may write nowhere is told what to set."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support import tiny
from tests.support.bad_input import check
from tests.support.command import Seqx
from tests.support.users import another_user, open_to_all

FEW = ("--set", "training.steps=2")  # text is encoded before the first of them


def tokens(place: Path) -> list[Path]:
    return sorted(place.glob(".cache/*/tokens"))


@pytest.mark.parametrize("arguments", [tiny.arguments, tiny.text_arguments])
def test_the_cache_lies_beside_the_run(seqx: Seqx, tmp_path: Path, arguments: object) -> None:
    given = [*arguments(tmp_path), "--quiet", *FEW]  # type: ignore[operator]
    assert seqx("train", *given, "--run", "elsewhere/run").code == 0
    made = tokens(tmp_path / "elsewhere")
    assert made and not (tmp_path / "runs").exists()
    assert seqx("train", *given, "--run", "elsewhere/second").code == 0
    assert tokens(tmp_path / "elsewhere") == made


@pytest.mark.parametrize("arguments", [tiny.arguments, tiny.text_arguments])
def test_what_runs_without_a_name_encoded_is_found(seqx: Seqx, tmp_path: Path, arguments: object) -> None:
    given = [*arguments(tmp_path), "--quiet", *FEW]  # type: ignore[operator]
    assert seqx("train", *given).code == 0
    assert tokens(tmp_path / "runs")
    assert seqx("train", *given, "--run", "elsewhere/run").code == 0
    assert not tokens(tmp_path / "elsewhere")


def test_what_a_killed_process_left_of_other_text_goes(seqx: Seqx, tmp_path: Path) -> None:
    left = tmp_path / "runs" / ".cache" / f".{'0' * 32}.partial"
    (left / "deep").mkdir(parents=True)
    left.with_suffix(".lock").touch()
    (tmp_path / "runs" / ".cache" / ".unknown.partial").mkdir()
    assert seqx("train", *tiny.arguments(tmp_path), "--device", "cpu", "--quiet", *FEW).code == 0
    assert [path.name for path in (tmp_path / "runs" / ".cache").glob(".*.partial")] == [".unknown.partial"]


def test_a_working_directory_that_may_not_be_written_is_no_matter(
    seqx: Seqx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [*tiny.arguments(tmp_path), "--device", "cpu", "--quiet", *FEW]
    assert seqx("train", *given).code == 0  # by who may import what it takes
    with open_to_all() as folder:
        given = [shutil.copy(word, folder) if Path(word).is_absolute() else word for word in given]
        for name, mode in (("here", 0o555), ("out", 0o777), ("alone", 0o555), ("alone/run", 0o777)):
            (folder / name).mkdir()
            (folder / name).chmod(mode)
        (folder / "alone").chmod(0o555)
        monkeypatch.chdir(folder / "here")
        with another_user():
            check(seqx("train", *given), 1, "cannot write to runs/tiny: Permission denied", "set SEQX_RUNS")
            done = seqx("train", *given, "--run", folder / "out" / "run")
            assert done.code == 0, done.err
            done = seqx("train", *given, "--run", folder / "alone" / "run")
            assert done.code == 0, done.err
        assert len(tokens(folder / "out")) == len(tokens(folder / "alone" / "run")) == 1
        monkeypatch.setenv("SEQX_RUNS", str(folder / "alone"))
        with another_user():
            check(seqx("train", *given), 1, f"cannot write to {folder}/alone/tiny: Permission denied", "set SEQX_RUNS")
