"""Signals end a command with 128 + n, and leave nothing half done."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from cli import stopping
from tests.support import tiny
from tests.support.processes import start

LINE = b"un chat\n"
MANY = 20_000  # lines: more than pipes and windows hold
ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXCPU")


def ignore_hang_ups() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


@pytest.mark.parametrize("name", ENDING)
def test_a_signal_interrupts_a_command_and_is_its_exit_code(name: str) -> None:
    number = getattr(signal, name)
    with stopping.clearing_up(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    assert stopping.code() == 128 + number


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_signal_clears_the_file_begun_and_says_that_work_is_lost(trained: Path, tmp_path: Path, name: str) -> None:
    number = getattr(signal, name)
    given = ["translate", "--run", trained, "--engine", "ctranslate2", "--beam-size", "1", "-o", tmp_path / "out.txt"]
    with start(*given, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin and process.stderr
        process.stdin.write(LINE * MANY)
        process.stdin.flush()
        assert any(tmp_path.iterdir())
        process.send_signal(number)
        said = process.stderr.read().decode()
        assert process.wait(30) == 128 + number
    assert said.startswith("\nStopped after ") and said.endswith(f"none of them is written to {tmp_path / 'out.txt'}\n")
    assert not any(tmp_path.iterdir())


def test_a_hang_up_is_ignored_under_nohup(trained: Path, tmp_path: Path) -> None:
    given = ["translate", "--run", trained, "--engine", "ctranslate2", "--beam-size", "1", "-o", tmp_path / "out.txt"]
    with start(*given, stdin=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=ignore_hang_ups) as process:
        assert process.stdin
        while not any(tmp_path.iterdir()):
            time.sleep(0.02)
        process.send_signal(signal.SIGHUP)
        process.stdin.write(LINE * 100)
        process.stdin.close()
        assert process.wait(60) == 0
    assert (tmp_path / "out.txt").read_bytes().count(b"\n") == 100


def test_scores_that_are_interrupted_are_said_to_be_lost(trained: Path, tmp_path: Path) -> None:
    for side in ("source", "target"):
        (tmp_path / side).write_bytes(LINE * MANY)
    files = ("--source-file", tmp_path / "source", "--target-file", tmp_path / "target", "-o", tmp_path / "out.txt")
    with start("score", "--run", trained, *files, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr
        while len(list(tmp_path.iterdir())) < 3:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read().decode()
        assert process.wait(30) == 143
    assert said.startswith("\nStopped after ") and said.endswith(f"none of them is written to {tmp_path / 'out.txt'}\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["export", "evaluate", "generate"])
def test_a_signal_at_any_moment_leaves_what_was_there(own: Path, tmp_path: Path, command: str) -> None:
    given: list[str | Path] = [command, "--run", own]
    if command == "generate":
        text = tiny.text_arguments(tmp_path)
        assert start("train", *text, "--run", tmp_path / "gpt", stderr=subprocess.DEVNULL).wait(120) == 0
        given = ["generate", "--run", tmp_path / "gpt", "--max-tokens", "1000000", "-o", tmp_path / "out.txt"]

    def names() -> list[Path]:
        return sorted(path for path in tmp_path.rglob("*") if path.name != ".lock")

    before = names()
    for moment in (1.0, 2.0, 3.0, 4.0, 6.0):
        process = start(*given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moment)
        process.send_signal(signal.SIGTERM)
        if process.wait(60) in (0, -signal.SIGTERM):
            continue  # over, or not begun
        assert process.returncode == 128 + signal.SIGTERM
        assert names() == before


@pytest.mark.slow
@pytest.mark.parametrize("names", [("SIGHUP", "SIGHUP"), ("SIGUSR1", "SIGTERM"), ("SIGQUIT",)])
def test_training_saves_on_every_warning_whatever_follows_it(tmp_path: Path, names: tuple[str, ...]) -> None:
    given = [*tiny.arguments(tmp_path), "--set", "training.steps=3000", "--set", "training.validate_every=3000"]
    given += ["--device", "cpu", "--run", str(tmp_path / "run")]
    process = start("train", *given, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr
    assert any(b"Loss before training" in line for line in iter(process.stderr.readline, b""))
    for name in names:
        process.send_signal(getattr(signal, name))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + getattr(signal, names[0])
    assert b"all saved. The same command" in said
    assert len(list((tmp_path / "run" / "checkpoints").iterdir())) == 2
