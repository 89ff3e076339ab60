"""Runs the command as a user does, but in this process, where importing torch is paid once."""

from __future__ import annotations

import io
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
