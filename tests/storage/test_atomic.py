"""Files that are written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from seq2seq.storage.atomic import replacing, write_bytes, write_json
from seq2seq.storage.checksums import sha256


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "made" / "on" / "the way" / "file"
    with replacing(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert [each.name for each in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(failure), replacing(path) as file:
        file.write(b"new")
        raise failure
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_failure_where_no_file_was_leaves_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), replacing(tmp_path / "file"):
        raise ValueError("stop")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_bytes(tmp_path / "file", b"")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_json_is_for_people_too(tmp_path: Path) -> None:
    write_json(tmp_path / "file", {"a": "été", "b": [1]})
    written = (tmp_path / "file").read_text(encoding="utf-8")
    assert json.loads(written) == {"a": "été", "b": [1]}
    assert "été" in written
    assert written.count("\n") == len(written.splitlines()) > 1


def test_the_checksum_is_that_of_the_bytes(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"abc")
    assert sha256(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
