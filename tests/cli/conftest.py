"""Runs the command as a user does, but in this process, where importing torch is paid once."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli import main as command
from tests import tiny


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str


Seqx = Callable[..., Done]
ROOT = Path(__file__).parents[2]

# Slow to import: a command on the CTranslate2 way needs none.
HEAVY = ("torch", "datasets", "transformers", "numpy", "seq2seq.recipe")

# Enough to write words in place of bytes.
LONGER = ["--set", "training.steps=60", "--set", "training.validate_every=20"]


class _Bytes(io.TextIOWrapper):
    """A text stream over bytes, as a process's own are."""

    def __init__(self, contents: bytes = b"") -> None:
        super().__init__(io.BytesIO(contents), encoding="utf-8", errors="strict", newline="\n", write_through=True)


def run(arguments: list[str], stdin: bytes, monkeypatch: pytest.MonkeyPatch) -> Done:
    """Run `seqx` with arguments and standard input."""
    out, err = _Bytes(), _Bytes()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["seqx", *arguments])
        patch.setattr(sys, "stdin", _Bytes(stdin))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        try:
            command.main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return Done(code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode())  # type: ignore[attr-defined]


def heavy_imports(*arguments: str) -> list[str]:
    """The slow modules that a process of its own, `seqx` with arguments, imported; it must succeed and print."""
    check = (
        f"import sys; sys.argv = ['seqx', *{arguments!r}]\n"
        "from cli.main import main\ntry: main()\nexcept SystemExit: pass\n"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout
    return done.stderr.split()


@pytest.fixture
def seqx(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Seqx:
    """`seqx(*arguments, stdin=b"")` in a fresh folder, without the corpora or the runs of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEQX_DATA", raising=False)
    monkeypatch.delenv("SEQX_RUNS", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def call(*arguments: str | Path, stdin: bytes = b"") -> Done:
        return run([str(argument) for argument in arguments], stdin, monkeypatch)

    return call


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run, trained by the command; tests must not change it."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("SEQX_RUNS", str(folder / "runs"))
        done = run(
            ["train", *tiny.arguments(folder), "--run", str(folder / "run"), "--device", "cpu", *LONGER],
            b"",
            monkeypatch,
        )
    assert done.code == 0, done.err
    return folder / "run"


@pytest.fixture(scope="session")
def trained_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run of running text, trained by the command; tests must not change it."""
    folder = tmp_path_factory.mktemp("trained_text")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("SEQX_RUNS", str(folder / "runs"))
        done = run(["train", *tiny.text_arguments(folder), "--run", str(folder / "run")], b"", monkeypatch)
    assert done.code == 0, done.err
    return folder / "run"


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Path:
    """A copy of the tiny run that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "own"))
