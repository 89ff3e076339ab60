"""What a killed command left is cleared by the next one; what another one is writing is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq2seq.run import Run
from seq2seq.storage.atomic import replacing
from tests.support import tiny
from tests.support.command import LONGER, Seqx


@pytest.mark.parametrize("command", ["export", "train"])
def test_leftovers_in_a_run_folder_go(seqx: Seqx, own: Path, trained: Path, command: str) -> None:
    (own / "evaluations").mkdir()
    for name in (".ctranslate2.abcd1234.partial", ".judging.abcd1234.partial", "checkpoints/.step-0000060.partial"):
        (own / name).mkdir()
        (own / name / "file").touch()
    for name in (".run.json.abcd1234.partial", "evaluations/.x.txt.abcd1234.partial"):
        (own / name).touch()
    given = ["--run", own] if command == "export" else [*tiny.arguments(trained.parent), "--run", own, *LONGER]
    if command == "train":
        (own / "model.safetensors").unlink()
    with replacing(own / "evaluations" / "y.txt") as file:
        done = seqx(command, *given)
        assert done.code == 0, done.err
        (left,) = own.rglob("*.partial")
        assert left.name.startswith(".y.txt.")
        file.write(b"whole")
    assert (own / "evaluations" / "y.txt").read_bytes() == b"whole"


def test_clearing_takes_nothing_else(tmp_path: Path) -> None:
    for name in (".hidden", "some.partial", ".lock"):
        (tmp_path / name).touch()
    (tmp_path / ".linked.partial").symlink_to(".hidden")
    Run(tmp_path).clear()
    assert {path.name for path in tmp_path.iterdir()} >= {".hidden", "some.partial", ".lock"}
