"""Remembered checksums: a file that changed is always noticed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import RunError
from seq2seq.storage import checksums
from seq2seq.storage.checksums import checksum, described, difference, must_be, sha256


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what is verified is remembered, however young the files are."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(checksums, "SETTLED_AFTER", -(10**12))
    return tmp_path / "cache" / "seqx" / "checksums.json"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"as it was written")
    return path


def remembered(memory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(memory.read_text())
    return found


def test_a_file_is_read_once_and_then_remembered(memory: Path, file: Path) -> None:
    assert checksum(file) == sha256(file)
    entry = remembered(memory)[str(file)]
    memory.write_text(json.dumps({str(file): [*entry[:-1], "what is remembered"]}))
    assert checksum(file) == "what is remembered"
    assert difference(file, described(file)) and not difference(file, described(file), again=True)


def same_size_and_time(path: Path) -> None:
    status = path.stat()
    path.write_bytes(bytes(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def another_in_its_place(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(bytes(path.stat().st_size))
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [same_size_and_time, another_in_its_place])
def test_other_contents_are_noticed_though_size_and_time_are_the_same(
    memory: Path, file: Path, change: Callable[[Path], None]
) -> None:
    known = described(file)
    assert difference(file, known) == ""
    change(file)
    assert difference(file, known) == "its checksum has changed since it was written"


def test_a_file_that_was_just_written_is_not_remembered(
    memory: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checksums, "SETTLED_AFTER", 2 * 10**9)  # as outside of tests
    assert checksum(file) == sha256(file)
    assert not memory.exists()


def test_a_link_is_remembered_as_what_it_names(memory: Path, file: Path) -> None:
    (file.parent / "link").symlink_to(file)
    checksum(file.parent / "link")
    assert list(remembered(memory)) == [str(file)]


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[1]", b"[" * 100_000, b"\xff", b'{"x": 5}', b" " * (2 << 20)],
    ids=["empty", "cut", "list", "nested", "no text", "other values", "large"],
)
def test_a_damaged_memory_is_as_good_as_none(memory: Path, file: Path, damage: bytes) -> None:
    memory.parent.mkdir(parents=True)
    memory.write_bytes(damage.replace(b'"x"', json.dumps(str(file)).encode()))
    assert checksum(file) == checksum(file) == sha256(file)


def test_a_memory_that_others_can_write_is_as_good_as_none(memory: Path, file: Path) -> None:
    checksum(file)
    memory.write_text(json.dumps({str(file): [*remembered(memory)[str(file)][:-1], "forged"]}))
    memory.chmod(0o622)
    assert checksum(file) == sha256(file)


def test_a_memory_that_cannot_be_written_costs_nothing_but_time(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    assert checksum(file) == sha256(file)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(file))
    assert checksum(file) == sha256(file)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file"]


def test_the_memory_does_not_grow_without_end(memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "MOST_REMEMBERED", 3)
    for number in range(5):
        (tmp_path / str(number)).write_bytes(bytes(number))
        checksum(tmp_path / str(number))
    assert [Path(name).name for name in remembered(memory)] == ["2", "3", "4"]


def test_several_that_remember_at_once_leave_a_whole_memory(memory: Path, tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(40)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes(number))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(checksum, paths)) == list(map(sha256, paths))
    assert remembered(memory).keys() <= set(map(str, paths))
    assert [each.name for each in memory.parent.iterdir()] == ["checksums.json"]


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"sha256": "0" * 64, "bytes": 5}, "it has 17 bytes, and had 5 when it was written"),
        ({"sha256": "0" * 64}, "its checksum has changed since it was written"),
        ({}, "its checksum on record cannot be read"),
        ([], "its checksum on record cannot be read"),
        ({"sha256": "0" * 64, "bytes": "many"}, "its checksum on record cannot be read"),
    ],
)
def test_what_is_different_is_said(memory: Path, file: Path, known: Any, reason: str) -> None:
    with pytest.raises(RunError, match=f"{file} is missing or damaged .{reason}.*; restore it"):
        must_be(file, known, "restore it")


def test_a_file_that_nothing_is_known_of_may_be_anything(file: Path) -> None:
    must_be(file, None, "restore it")
    with pytest.raises(RunError, match="No such file"):
        must_be(file.with_name("none"), described(file), "restore it")
