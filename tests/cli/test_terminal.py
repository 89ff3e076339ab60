"""What terminals show: it fits their width, nothing of a file steers them, and a long work shows how far it is."""

from __future__ import annotations

import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli import tokenizer as tokenizer_command
from cli.console import Bar, Console, figures
from seq2seq.data import tokenizers
from seq2seq.training.checkpoints import checkpoint
from tests.support import tiny
from tests.support.command import Seqx
from tests.support.processes import SEQX, Terminal, environment

FIGURES = ["loss 2.345", "12,345 tokens/s", "epoch 3", "rate 1.00e-03", "padding 12%"]


@pytest.mark.parametrize("columns", [60, 80, 150])
def test_the_bar_of_training_always_has_steps_a_bar_and_the_time_left(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    console = Console()
    bar = Bar(console, "step {}", disable=True)
    bar.add_task("", total=100_000, completed=1234, figures=FIGURES)
    with console.capture() as captured:
        console.print(bar.get_renderable())
    (line,) = captured.get().rstrip("\n").split("\n")
    assert len(line) <= columns
    assert re.match(r"step 1,234/100,000 [━╸╺ ]{10,}", line) and re.search(r"0:00:0\d  ETA [-\d]:", line)
    assert [figure in line for figure in FIGURES] == sorted((figure in line for figure in FIGURES), reverse=True)
    assert (FIGURES[-1] in line) == (columns == 150) and (FIGURES[0] in line) == (columns > 60)


@pytest.mark.parametrize("columns", [60, 80, 150])
def test_a_table_never_cuts_a_figure(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = [("CTranslate2, float32, cpu", *(f"{number},{number}00" for number in (17, 234, 5, 678)))]
    console = Console()
    with console.capture() as captured:
        console.print(figures(("engine", "tokens/s of all", "lines/s", "first answer ms", "rounds"), rows))
    for figure in rows[0][1:]:
        assert figure in captured.get()
    assert max(map(len, captured.get().split("\n"))) <= columns


def test_an_audit_fits_eighty_columns(seqx: Seqx, tmp_path: Path) -> None:
    given = tiny.arguments(tmp_path)
    done = seqx("data", "check", "--recipe", given[1], "--source-file", "train.fr", "--target-file", "train.en")
    rows = [line for line in done.out.splitlines() if re.match(r"\S.*  \d", line)]
    assert len(rows) > 8 and max(map(len, rows)) <= 80


@pytest.mark.parametrize(("columns", "widest"), [(80, 80), (150, 120)])
def test_help_takes_the_width_of_the_terminal(
    seqx: Seqx, monkeypatch: pytest.MonkeyPatch, columns: int, widest: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in (["train"], ["translate"], ["tokenizer", "compare"]):
        lines = seqx(*command, "--help").out.splitlines()
        assert widest - 20 < max(map(len, lines)) <= widest


@pytest.mark.parametrize("changes", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"CLICOLOR": "0", "FORCE_COLOR": ""}])
def test_pieces_have_bars_where_there_are_no_colours(
    changes: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLORTERM": "truecolor", **changes}.items():
        monkeypatch.setenv(name, value)
    tokenizer_command.write_pieces(Console(), "bytes", tokenizers.Characters("ab"), "ab")
    assert capsys.readouterr().out.splitlines()[0].replace("\x1b[0m", "") == "a│b"


def test_lines_are_drawn_over_on_a_terminal_alone_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal, Path(os.devnull).open("w") as file, monkeypatch.context() as patch:
        for stream, name, live in (
            (terminal, "xterm-256color", True),
            (terminal, "dumb", False),
            (file, "xterm-256color", False),
        ):
            patch.setattr("sys.stderr", stream)
            patch.setenv("TERM", name)
            patch.setenv("FORCE_COLOR", "1")
            assert Console(error=True).live == live
    os.close(master)


def test_a_long_translation_shows_how_far_it_is(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("un chat rouge\n" * 100_000)
    with Terminal("translate", "--run", trained, "-i", "in.txt", "-o", "out.txt", folder=tmp_path) as terminal:
        terminal.until(r"/100,000 lines .*lines/s .*ETA")
        terminal.process.send_signal(signal.SIGINT)
        terminal.until(r"Stopped after [\d,]+ lines; none of them is written to out.txt")
        assert terminal.process.wait(30) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["in.txt"]


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Callable[..., str]]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not here")
    server = ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]

    def call(*arguments: str) -> str:
        done = subprocess.run([*server, *arguments], capture_output=True, text=True, env=environment(COLUMNS=""))
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield call
    subprocess.run([*server, "kill-server"], capture_output=True)


def test_a_training_fits_its_terminal_and_is_saved_when_that_is_closed(
    tmux: Callable[..., str], tmp_path: Path
) -> None:
    given = tiny.arguments(tmp_path)
    more = ["--set", "training.steps=100000", "--set", "training.validate_every=100000", "--device", "cpu"]
    command = shlex.join([*SEQX, "train", *given, *more, "--run", str(tmp_path / "run")])
    tmux("new-session", "-d", "-x", "80", "-y", "24", f"env -u COLUMNS {command}")

    def bar(*parts: str) -> str:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            lines = [line for line in tmux("capture-pane", "-p").splitlines() if line.startswith("step ")]
            if lines and all(part in lines[-1] for part in parts):
                return lines[-1]
            time.sleep(0.1)
        raise AssertionError(tmux("capture-pane", "-p"))

    line = bar("━", "loss ", "ETA ")
    assert "padding" not in line and len(line) <= 80
    tmux("resize-window", "-x", "150", "-y", "50")
    assert len(bar("━", "loss ", "tokens/s", "rate ", "padding ", "ETA ")) > 100
    tmux("kill-server")
    end = time.monotonic() + 60
    while len(saved := checkpoint.resumable(tmp_path / "run" / "checkpoints")) < 2 and time.monotonic() < end:
        time.sleep(0.1)
    assert len(saved) == 2 and 0 < saved[1] < 100_000
