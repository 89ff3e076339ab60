"""What `seqx evaluate` judges is kept beside the recipe's own scores, and shown whatever can be kept."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import tiny
from tests.support.command import LONGER, Seqx
from tests.support.processes import start
from tests.support.users import another_user, open_to_all, seal


def record(run: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((run / "run.json").read_text())
    return values


@contextmanager
def full_disk() -> Iterator[None]:
    """Hardly anything can be written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def gpt(trained_text: Path, tmp_path: Path) -> Path:
    """A finished run on running text that a test may change."""
    return Path(shutil.copytree(trained_text, tmp_path / "gpt"))


def own_scores(run: Path) -> tuple[Any, ...]:
    translations = run / "test.translations.txt"
    return record(run)["scores"], translations.read_bytes() if translations.is_file() else None


def of_files(folder: Path, stem: str, seed: int) -> list[str]:
    folder.mkdir(exist_ok=True)
    source, target = tiny.write_pairs(folder, stem, tiny.pairs(5, seed))
    return ["--source-file", str(source), "--target-file", str(target)]


def test_no_set_takes_the_place_of_another(seqx: Seqx, own: Path, tmp_path: Path, trained: Path) -> None:
    before = own_scores(own)
    sets = [
        [],
        of_files(tmp_path / "mine", "test", 4),
        of_files(tmp_path / "a", "x", 5),
        of_files(tmp_path / "b", "x", 6),
        ["--beam-size", "1"],
        ["--length-penalty", "1"],
        ["--engine", "torch", "--device", "cpu"],
    ]
    for given in sets:
        assert seqx("evaluate", "--run", own, "--quiet", *given).code == 0
    assert own_scores(own) == before
    kept = record(own)["evaluations"]
    assert len(kept) == len(sets) == len(list((own / "evaluations").iterdir()))
    assert [each["set"] for each in kept.values()] == ["test", "test", "x", "x", "test", "test", "test"]
    for key, each in kept.items():
        assert each["translations"] == f"evaluations/{each['set']}-{key}.txt"
        assert len((own / each["translations"]).read_text().splitlines()) == each["sentences"]
        assert each["engine"] and each["time"] and each["scores"]
    again = seqx("train", *tiny.arguments(trained.parent), "--run", own, *LONGER)
    assert again.code == 0 and [line[:5] for line in again.out.splitlines() if line[0] not in " B"] == ["test:"]


def test_the_same_text_judged_in_the_same_way_is_kept_once(seqx: Seqx, own: Path, tmp_path: Path) -> None:
    given, same = of_files(tmp_path / "a", "x", 5), of_files(tmp_path / "b", "y", 5)
    for files in (given, given, same):
        assert seqx("evaluate", "--run", own, "--quiet", *files).code == 0
    (each,) = record(own)["evaluations"].values()
    assert each["set"] == "y" and each["files"][0] == str(tmp_path / "b" / "y.fr")
    assert [f"evaluations/{path.name}" for path in (own / "evaluations").iterdir()] == [each["translations"]]


@pytest.mark.parametrize("stem", ["../up", "x" * 200, "a b\n[c]", "-"])
def test_a_set_of_any_name_is_kept_in_the_folder(seqx: Seqx, own: Path, tmp_path: Path, stem: str) -> None:
    (tmp_path / "sub").mkdir()
    done = seqx("evaluate", "--run", own, "--quiet", "--json", *of_files(tmp_path / "sub", stem, 5))
    assert done.code == 0 and done.err == "", done.err
    (path,) = (own / "evaluations").iterdir()
    assert path.read_text().count("\n") == 5 and len(path.name) < 200 and path.name.isprintable()


def test_running_text_follows_the_same_rule(seqx: Seqx, gpt: Path, tmp_path: Path) -> None:
    before = own_scores(gpt)
    (tmp_path / "test").write_text(tiny.verse(40, 8), encoding="utf-8")
    (tmp_path / "test").rename(tmp_path / "test.txt")
    for _ in range(2):
        assert seqx("evaluate", "--run", "gpt").code == 0
        assert seqx("evaluate", "--run", "gpt", "--input", "test.txt").code == 0
    assert own_scores(gpt) == before
    kept = record(gpt)["evaluations"].values()
    assert [(each["set"], each["files"]) for each in kept] == [
        ("test", []),
        ("test.txt", [str(tmp_path / "test.txt")]),
    ]


def test_scores_are_shown_where_the_run_may_not_be_written(
    seqx: Seqx, trained: Path, gpt: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.txt").write_text(tiny.verse(40, 8), encoding="utf-8")
    with open_to_all() as folder:
        for run in (trained, gpt):
            shutil.copytree(run, folder / run.name)
            seal(folder / run.name)
        text = Path(shutil.copy(tmp_path / "text.txt", folder))
        (folder / "out").mkdir()
        (folder / "out").chmod(0o777)
        pairs = ["evaluate", "--run", folder / trained.name]
        commands: list[tuple[list[Any], str]] = [
            ([*pairs, "--json", "--output", folder / "out" / "file"], '"scores"'),
            ([*pairs], "BLEU"),
            (["evaluate", "--run", folder / "gpt"], "bits per byte"),
            (["evaluate", "--run", folder / "gpt", "-i", text, "-i", text, "--json"], '"bits_per_byte"'),
        ]
        for command, shown in commands:
            assert seqx(*command).code == 0  # by who may import what it takes
            for path in (folder / "out").iterdir():
                path.unlink()
            with another_user():
                done = seqx(*command, "--quiet")
            assert done.code == 1 and done.out.count(shown) >= max(1, command.count("-i"))
            assert done.err.startswith(f"seqx: the scores above were not saved: cannot write to {command[2]}: ")
            assert done.err.count("\n") == 1
            assert [path.read_text().count("\n") for path in (folder / "out").iterdir()] == [12] * (
                "--output" in command
            )
        with another_user():
            assert seqx("translate", "--run", folder / trained.name, "un chat").code == 0
            assert seqx("generate", "--run", folder / "gpt", "--max-tokens", "3").code == 0
            refused = seqx("export", "--run", folder / trained.name)
        assert refused.code == 1 and refused.err.startswith(
            f"seqx: cannot write to {folder / trained.name}: Permission"
        )


def test_the_loss_of_a_text_is_shown_where_the_disk_is_full(seqx: Seqx, gpt: Path) -> None:
    with full_disk():
        done = seqx("evaluate", "--run", "gpt", "--json", "--quiet")
    assert done.code == 1 and json.loads(done.out)["tokens"] > 100
    assert "the scores above were not saved: cannot write to gpt: File too large" in done.err


def test_scores_are_shown_where_the_disk_is_full(seqx: Seqx, own: Path, tmp_path: Path) -> None:
    before = own_scores(own)
    with full_disk():
        done = seqx("evaluate", "--run", own, "--json", "--quiet", "--output", "out.txt")
    assert done.code == 1 and json.loads(done.out)["sentences"] == 12
    assert done.err.splitlines() == [
        "seqx: cannot write out.txt: File too large",
        f"seqx: the scores above were not saved: cannot write to {own}: File too large; free disk space there, or "
        "change its permissions",
    ]
    assert own_scores(own) == before and "evaluations" not in record(own) and not (tmp_path / "out.txt").exists()
    assert not list(own.rglob("*.partial"))


def test_what_a_reader_does_not_read_is_kept_all_the_same(own: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)  # as `| head` leaves it
    with os.fdopen(writing, "wb") as pipe:
        process = start("evaluate", "--run", own, "--quiet", stdout=pipe, stderr=subprocess.PIPE)
        _, err = process.communicate()
    assert process.returncode == 1 and err == b""
    assert len(record(own)["evaluations"]) == 1
