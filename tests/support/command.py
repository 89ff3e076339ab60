"""Runs the command as a user does, but in this process, where importing torch is paid once."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.main import get_command

from cli import main as command


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str


Seqx = Callable[..., Done]
ROOT = Path(__file__).parents[2]

# Typer reads all signatures anew at each call, which takes longer than most commands that fail.
APP = get_command(command.app)

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
        patch.setattr(command, "app", APP)
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


def heavy_imports(*commands: Sequence[str]) -> list[str]:
    """The slow modules that a process of its own imported in which `seqx` ran commands, each of which must succeed and
    print."""
    check = (
        f"import sys\nfrom cli.main import main\nfor command in {commands!r}:\n    sys.argv = ['seqx', *command]\n"
        "    try: main()\n    except SystemExit as end: assert not end.code, command\n    print('\\0', flush=True)\n"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and all(each.strip() for each in done.stdout.split("\0")[:-1]), done.stderr
    return done.stderr.split()
