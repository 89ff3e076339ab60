"""The working directory is a place for files: nothing in it passes for a library, and a deleted one is said at once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import children_trust_no_working_directory
from tests.support.command import Seqx
from tests.support.processes import environment
from tests.support.products import small_products

TRAP = "open('{}', 'a').write(__name__ + '\\n')\nraise SystemExit(3)\n"
# What runpy itself imports before it is seqx's turn cannot be helped.
LIBRARIES = ("typer", "json", "rich", "torch", "numpy", "click", "sentencepiece", "ctranslate2", "tempfile", "datasets")


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    """A folder of files with the names of libraries, each of which leaves a mark where it is run."""
    folder = tmp_path / "traps"
    folder.mkdir()
    for name in LIBRARIES:
        (folder / f"{name}.py").write_text(TRAP.format(folder / "mark"), encoding="utf-8")
    for package in ("cli", "seq2seq", "recipes"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text(TRAP.format(folder / "mark"), encoding="utf-8")
        (folder / package / "main.py").write_text(TRAP.format(folder / "mark"), encoding="utf-8")
    (folder / "recipes" / "fr-en.toml").write_text('summary = "a stranger\'s"\n', encoding="utf-8")
    (folder / "fr-en.toml").write_text('summary = "a stranger\'s"\n', encoding="utf-8")
    return folder


def test_bench_starts_no_command_of_the_working_directory(
    seqx: Seqx, traps: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_products(monkeypatch)
    monkeypatch.chdir(traps)
    done = seqx("bench", "--run", trained, "--seconds", "0.1", "--device", "cpu", "--quiet")
    assert done.code == 0, done.err
    assert "Loading" in done.out and not (traps / "mark").exists()


def test_the_command_itself_takes_libraries_and_recipes_from_where_they_are_installed(traps: Path) -> None:
    for start in (["-m", "cli.main"], ["-m", "seq2seq"], ["-c", "from cli.main import main; main()"]):
        folder = traps
        if start[0] == "-m":  # a package of the same name is found before any of its code is run
            for package in ("cli", "seq2seq"):
                shutil.rmtree(traps / package, ignore_errors=True)
        done = subprocess.run(
            [sys.executable, *start, "recipes", "show", "fr-en"],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert "French to English" in done.stdout and not (traps / "mark").exists()


def test_a_python_that_a_library_starts_takes_nothing_from_it(traps: Path) -> None:
    with children_trust_no_working_directory():
        done = subprocess.run([sys.executable, "-c", "import json, typer"], cwd=traps)
    assert done.returncode == 0 and not (traps / "mark").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["translate", "un"],
        ["generate", "un"],
        ["train", "--recipe", "fr-en", "--dry-run"],
        ["recipes"],
        ["recipes", "show", "fr-en"],
        ["data", "check"],
        ["doctor"],
        ["bench"],
        ["export"],
        ["evaluate"],
        ["tokenizer", "show", "un", "--kind", "byte"],
        ["tokenizer", "compare", "/dev/null"],
        ["compare", "a", "b"],
        ["score", "--source-file", "/x", "--target-file", "/y"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_deleted_one_is_refused_in_one_line(
    seqx: Seqx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = seqx(*command)
    assert (done.code, done.out) == (1, "")
    assert done.err == "seqx: the working directory was deleted or cannot be read; change to another (cd)\n"
