"""Locks between processes; what happens to those of killed ones: tests/reliability/test_locks.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from seq2seq.storage.locks import lock


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_lock_is_not_taken_through_a_link(tmp_path: Path, link: Any) -> None:
    (tmp_path / "precious").write_text("precious\n")
    link(tmp_path / "precious", tmp_path / "lock")
    with pytest.raises(OSError, match="a link to a file elsewhere"), lock(tmp_path / "lock", wait=True):
        pass
    assert (tmp_path / "precious").read_text() == "precious\n"
