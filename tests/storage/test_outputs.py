"""Where a file is written to that is no plain one: links, devices, pipes, open files, mount points, sealed folders."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seq2seq.storage.atomic import must_be_writable, replacing, write_bytes
from tests.support.users import NOBODY, another_user, open_to_all

pytestmark = pytest.mark.skipif(os.name != "posix", reason="files of POSIX")
ROOT = Path(__file__).parents[2]
needs_root = pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() != 0, reason="may not make devices, nor mount")


@pytest.fixture
def everywhere() -> Iterator[Path]:
    with open_to_all() as folder:
        yield folder


def written(path: Path, contents: bytes = b"new") -> None:
    must_be_writable(path)
    write_bytes(path, contents)


@needs_root
def test_a_device_stays_one(tmp_path: Path) -> None:
    os.mknod(tmp_path / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    before = (tmp_path / "null").stat()
    written(tmp_path / "null")
    after = (tmp_path / "null").stat()
    assert (after.st_mode, after.st_rdev, after.st_ino) == (before.st_mode, before.st_rdev, before.st_ino)
    assert [path.name for path in tmp_path.iterdir()] == ["null"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_device_that_takes_nothing_is_named() -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        written(Path("/dev/full"))
    assert caught.value.filename == "/dev/full"


@pytest.mark.parametrize("through_a_link", [False, True])
def test_who_reads_a_pipe_gets_everything(tmp_path: Path, through_a_link: bool) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "link").symlink_to("pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    written(tmp_path / ("link" if through_a_link else "pipe"), b"x" * 200_000)
    reader.join()
    assert read == [b"x" * 200_000]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode) and (tmp_path / "link").is_symlink()


def test_links_are_followed_to_their_end(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "file").write_bytes(b"old")
    (tmp_path / "far" / "second").symlink_to("file")
    (tmp_path / "first").symlink_to("far/second")
    (tmp_path / "nowhere").symlink_to("made/here")
    written(tmp_path / "first")
    written(tmp_path / "nowhere")
    assert (tmp_path / "first").is_symlink() and (tmp_path / "far" / "second").is_symlink()
    assert (tmp_path / "far" / "file").read_bytes() == (tmp_path / "made" / "here").read_bytes() == b"new"
    assert sorted(path.name for path in (tmp_path / "far").iterdir()) == ["file", "second"]


def test_a_circle_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("other")
    (tmp_path / "other").symlink_to("one")
    for write in (must_be_writable, lambda path: write_bytes(path, b"")):
        with pytest.raises(OSError, match="symbolic links"):
            write(tmp_path / "one")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc")
@pytest.mark.parametrize("name", ["/dev/stdout", "/proc/self/fd/1", "/dev/fd/1", "link"])
def test_an_open_file_goes_on_where_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("/proc/self/fd/1")
    code = (
        "from pathlib import Path; from seq2seq.storage.atomic import must_be_writable, write_bytes; "
        f"path = Path({name!r}); must_be_writable(path); write_bytes(path, b'new')"
    )
    with (tmp_path / "log").open("wb") as log:
        log.write(b"before ")
        log.flush()
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", code], stdout=log, cwd=tmp_path, env=environment)
        assert done.returncode == 0
        log.write(b" after")
    assert (tmp_path / "log").read_bytes() == b"before new after"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc")
def test_an_open_file_that_is_only_read_and_one_that_is_closed_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (tmp_path / "file").open("rb") as file:
        with pytest.raises(OSError, match="Bad file descriptor"):
            must_be_writable(Path(f"/proc/self/fd/{file.fileno()}"))
        closed = os.dup(file.fileno())
    os.close(closed)
    with pytest.raises(OSError, match="Bad file descriptor"):
        must_be_writable(Path(f"/dev/fd/{closed}"))


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o666])
def test_a_file_keeps_its_mode_and_nobody_reads_it_meanwhile(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    with replacing(path) as file:
        file.write(b"new")
        (partial,) = tmp_path.glob(".*.partial")
        assert stat.S_IMODE(partial.stat().st_mode) & ~mode == 0
    assert stat.S_IMODE(path.stat().st_mode) == mode and path.read_bytes() == b"new"
    assert abs(path.stat().st_mtime - tmp_path.stat().st_mtime) < 60


@needs_root
def test_a_file_keeps_its_owner(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.chown(tmp_path / "file", NOBODY, NOBODY)
    written(tmp_path / "file")
    status = (tmp_path / "file").stat()
    assert (status.st_uid, status.st_gid) == (NOBODY, NOBODY)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_of_any_other(tmp_path: Path, mask: int) -> None:
    former = os.umask(mask)
    try:
        written(tmp_path / "file")
    finally:
        os.umask(former)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~mask


@needs_root
def test_a_mount_point_is_written_in_place(tmp_path: Path) -> None:
    for name in ("file", "other"):
        (tmp_path / name).write_bytes(b"a longer text than that which comes")
    if subprocess.run(["mount", "--bind", tmp_path / "other", tmp_path / "file"], capture_output=True).returncode:
        pytest.skip("may not mount")
    try:
        written(tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == (tmp_path / "other").read_bytes() == b"new"
    finally:
        subprocess.run(["umount", tmp_path / "file"], check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "other"]


def test_a_file_in_a_folder_that_takes_none_is_written_in_place(everywhere: Path) -> None:
    path = everywhere / "sealed" / "file"
    path.parent.mkdir()
    path.write_bytes(b"a longer text than that which comes")
    path.chmod(0o666)
    path.parent.chmod(0o555)
    with another_user():
        with pytest.raises(ValueError, match="stop"), replacing(path) as file:
            file.write(b"half")
            raise ValueError("stop")
        assert path.read_bytes().startswith(b"a longer")
        written(path)
    assert path.read_bytes() == b"new"


def test_what_cannot_be_written_is_known_before(everywhere: Path, tmp_path: Path) -> None:
    (everywhere / "sealed").mkdir()
    (everywhere / "sealed").chmod(0o555)
    (everywhere / "mine").mkdir()
    (everywhere / "mine" / "read-only").touch()
    (everywhere / "mine" / "read-only").chmod(0o444)
    (everywhere / "mine").chmod(0o777)
    with another_user():
        for name in ("sealed/new", "sealed/made/on/the/way", "mine/read-only"):
            with pytest.raises(PermissionError):
                must_be_writable(everywhere / name)
        must_be_writable(everywhere / "mine" / "made" / "new")
    (tmp_path / "file").touch()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
    for name, error in {
        ".": IsADirectoryError,
        "file/new": NotADirectoryError,
        "x" * 256: OSError,
        "made/" + "é" * 128: OSError,
        "socket": OSError,
    }.items():
        with pytest.raises(error):
            must_be_writable(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "socket"]


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, "\udce9" * 200, ".hidden", "a b\nc"])
def test_any_name_that_the_disk_takes_is_written(tmp_path: Path, name: str) -> None:
    written(tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 1


WRITER = """
import sys
from pathlib import Path
from seq2seq.storage.atomic import replacing
with replacing(Path(sys.argv[1])) as file:
    print("open", flush=True)
    sys.stdin.read()
    file.write(b"whole")
"""


def writer(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "open\n"
    return process


def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    killed, living = writer(tmp_path / "file"), writer(tmp_path / "file")
    killed.kill()
    killed.communicate()
    for name in (".file.keep.partial", ".other.00000000.partial", ".file.00000000.partial.txt"):
        (tmp_path / name).touch()
    assert len(list(tmp_path.glob(".file.????????.partial"))) == 2
    write_bytes(tmp_path / "file", b"between")
    assert len(list(tmp_path.glob(".file.????????.partial"))) == 1
    living.communicate("")
    assert (tmp_path / "file").read_bytes() == b"whole"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".file.00000000.partial.txt",
        ".file.keep.partial",
        ".other.00000000.partial",
        "file",
    ]
