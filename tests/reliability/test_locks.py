"""One owner at a time: a second process is refused, and a dead one holds nothing up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from seq2seq.errors import RunError
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run
from seq2seq.storage.locks import LockedError, lock
from tests.support import tiny
from tests.support.command import LONGER, ROOT, Seqx

OWNER = """
import sys
from pathlib import Path
from seq2seq.run import Run
with Run(Path(sys.argv[1])).locked():
    print("owner", flush=True)
    sys.stdin.read()
"""


@contextmanager
def owner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has a run folder to itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        assert process.stdout.readline() == "owner\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_process_is_refused_and_names_the_first_and_goes_on_when_that_is_dead(
    seqx: Seqx, tmp_path: Path
) -> None:
    given = [*tiny.arguments(tmp_path), "--run", "run", "--device", "cpu"]
    with owner(tmp_path / "run") as first:
        done = seqx("train", *given)
        assert done.code == 1 and done.out == ""
        assert done.err == (
            f"seqx: run is being trained by process {first.pid}; wait for its end, or name another folder with --run\n"
        )
        assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert seqx("train", *given, "--quiet").code == 0
        assert seqx("export", "--run", "run").code == 0
    with owner(tmp_path / "run"):
        refused = seqx("export", "--run", "run")
        assert refused.code == 1 and "is being trained by process" in refused.err


def test_a_lock_is_free_again_when_its_block_ends(tmp_path: Path) -> None:
    def hold() -> ExitStack:
        stack = ExitStack()
        stack.enter_context(lock(tmp_path / "lock", wait=False))
        return stack

    with hold(), pytest.raises(LockedError, match=str(os.getpid())):
        hold()
    hold().close()


def test_a_folder_of_something_else_is_not_even_locked(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    with pytest.raises(RunError, match="not a run folder"), Run(tmp_path).locked():
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_what_killed_processes_left_holds_nothing_up_and_is_cleared(seqx: Seqx, tmp_path: Path) -> None:
    given = [*tiny.arguments(tmp_path), "--run", "run", "--device", "cpu", "--quiet"]
    checkpoints = tmp_path / "run/checkpoints"
    for folder in (checkpoints / ".step-0000002.partial", tmp_path / "run/.ctranslate2.x1y2.partial"):
        folder.mkdir(parents=True)
        (folder / "weights.safetensors").write_bytes(b"half")
    checkpoints.rename(tmp_path / "kept")  # before a run folder is claimed it holds no checkpoints
    (tmp_path / "run/.recipe.toml.x1y2.partial").write_text("[data]\ncor", encoding="utf-8")
    Run(tmp_path / "run").claim(recipe_files.load(given[1], []))
    (tmp_path / "kept").rename(checkpoints)
    assert seqx("train", *given).code == 0
    assert not list((tmp_path / "run").rglob(".*.partial"))


def test_a_log_line_that_a_kill_cut_is_dropped(seqx: Seqx, own: Path, trained: Path) -> None:
    given = [*tiny.arguments(trained.parent), "--run", own, "--device", "cpu", "--quiet", *LONGER]
    run = Run(own)
    whole = run.metrics.read_text(encoding="utf-8")
    run.weights.unlink()
    run.metrics.write_text(whole + '{"step": 80, "samples": [{"source": "un"}', encoding="utf-8")
    assert seqx("train", *given).code == 0
    assert run.metrics.read_text(encoding="utf-8") == whole
