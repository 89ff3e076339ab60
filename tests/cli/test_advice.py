"""What a message advises is something that the command has."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.command import Command
from tests.support.command import APP, Seqx


@pytest.mark.parametrize("name", ["translate", "score", "generate", "evaluate", "train", "doctor", "bench", "compare"])
def test_out_of_memory_advises_options_of_the_command(
    seqx: Seqx, trained: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def exhausted() -> None:
        raise MemoryError

    shown = seqx(name, "--help").out
    monkeypatch.setitem(APP.commands, name, Command(name, callback=exhausted))
    done = seqx(name)
    assert done.code == 1 and done.err.startswith("seqx: out of memory; ")
    for word in done.err.replace(",", " ").split():
        assert not word.startswith("--") or word in shown, word
