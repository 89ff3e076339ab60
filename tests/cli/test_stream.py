"""`seqx translate` between other programs: what it holds is bounded, and it ends well however they end."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli import main as command
from tests.support.processes import piped

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# The way on PyTorch takes seconds to start.
ENGINES = (pytest.param("torch", marks=pytest.mark.slow), "ctranslate2")
LINE = b"un chat\n"
MANY = 200_000  # lines: far more than pipes and windows hold
QUIET = 1.0  # seconds in which a process that can take more would have taken some


def offer(process: subprocess.Popen[bytes], most: int) -> int:
    """Write lines until the process takes no more, or `most` of them; the bytes that it took."""
    assert process.stdin
    os.set_blocking(process.stdin.fileno(), False)
    taken, wanted = 0, LINE * 1000
    while taken < most * len(LINE) and select.select([], [process.stdin], [], QUIET)[1]:
        taken += os.write(process.stdin.fileno(), wanted[taken % len(LINE) :])
    return taken


@pytest.mark.parametrize("engine", ENGINES)
def test_who_takes_nothing_stops_the_reading(trained: Path, engine: str) -> None:
    with piped("translate", "--run", trained, "--engine", engine, "--beam-size", "1") as process:
        assert process.stdin and process.stdout
        process.stdin.write(LINE)
        process.stdin.flush()
        assert process.stdout.readline().endswith(b"\n")
        # Its answers fill the pipe; two windows of 2,000 lines are begun, one is read and one is being filled.
        assert offer(process, MANY) < 40_000 * len(LINE)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_reader_that_leaves_ends_it_quietly(trained: Path, engine: str) -> None:
    with piped("translate", "--run", trained, "--engine", engine, "--beam-size", "1") as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(LINE * 5000)
        process.stdin.flush()
        assert process.stdout.readline().endswith(b"\n")
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


@pytest.mark.parametrize("lines", [3, 50_000], ids=["waiting", "at work"])
@pytest.mark.parametrize("engine", ENGINES)
def test_ctrl_c_leaves_whole_lines(trained: Path, engine: str, lines: int) -> None:
    with piped("translate", "--run", trained, "--engine", engine, "--beam-size", "1") as process:
        assert process.stdin and process.stdout and process.stderr
        os.set_blocking(process.stdin.fileno(), False)
        given = LINE * lines
        sent = os.write(process.stdin.fileno(), given)
        first = process.stdout.readline()
        assert sent and first.endswith(b"\n")
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert not rest or rest.endswith(b"\n")
        assert process.stderr.read() == b""
        assert process.wait() == 130


class Recorder(io.BytesIO):
    """Remembers what each call wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, contents: ReadableBuffer) -> int:
        self.written.append(bytes(contents))
        return super().write(contents)


def test_a_line_is_written_with_its_end(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two calls Ctrl-C may come."""
    recorder = Recorder()
    monkeypatch.setattr(sys, "argv", ["seqx", "translate", "--run", str(trained), "\n".join(["un chat"] * 40)])
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(recorder))
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code in (0, None)
    assert b"".join(recorder.written).count(b"\n") == 40
    assert all(each.endswith(b"\n") for each in recorder.written)


@pytest.mark.parametrize("engine", ENGINES)
def test_ctrl_c_leaves_no_half_written_file(trained: Path, tmp_path: Path, engine: str) -> None:
    output = tmp_path / "out.txt"
    output.write_text("before\n")
    with piped("translate", "--run", trained, "--engine", engine, "-o", output, "--beam-size", "1") as process:
        assert process.stdin and process.stderr
        process.stdin.write(LINE * 20_000)  # more than pipes and windows hold: it is at work when the last is written
        process.stdin.flush()
        assert [path.name for path in tmp_path.iterdir() if path != output]
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert said.startswith(b"\nStopped after ")
        assert said.endswith(f" lines; none of them is written to {output}\n".encode())
        assert process.wait() == 130
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    assert output.read_text() == "before\n"


def test_ctrl_c_before_a_command_has_begun_is_quiet_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "app", interrupted)
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 130


def test_scoring_ends_quietly_too(trained: Path, tmp_path: Path) -> None:
    for side in ("source", "target"):
        (tmp_path / side).write_bytes(LINE * 20_000)
    files = ("--source-file", tmp_path / "source", "--target-file", tmp_path / "target")
    with piped("score", "--run", trained, *files) as process:
        assert process.stdout and process.stderr
        assert float(process.stdout.readline()) < 0
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1
