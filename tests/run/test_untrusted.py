"""Files of other names are not written into."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from seq2seq.errors import RunError
from seq2seq.run import refuse_strange_files


@pytest.mark.parametrize("name", [".lock", ".record.lock", "metrics.jsonl", "updates.jsonl", "faults.jsonl"])
def test_a_hard_link_is_refused_and_it_is_said_what_to_do(tmp_path: Path, name: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "precious").write_text("precious\n")
    os.link(tmp_path / "precious", tmp_path / "run" / name)
    with pytest.raises(RunError, match=f"run/{name} is a hard link") as caught:
        refuse_strange_files(tmp_path / "run")
    remedy = str(caught.value).rpartition(": ")[2]
    assert remedy == f"cp -a {tmp_path / 'run'} NEW"
    subprocess.run([*shlex.split(remedy)[:-1], tmp_path / "new"], check=True)
    refuse_strange_files(tmp_path / "new")


def test_a_link_within_a_run_to_a_hard_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "precious").touch()
    os.link(tmp_path / "precious", tmp_path / "run" / "notes")
    (tmp_path / "run" / "metrics.jsonl").symlink_to("notes")
    with pytest.raises(RunError, match=r"metrics\.jsonl is a hard link"):
        refuse_strange_files(tmp_path / "run")
