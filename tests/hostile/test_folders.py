"""What a stranger made is refused in a line or two: no code of it runs, nothing is written, memory is bounded."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import tiny
from tests.support.bad_input import check, snapshot
from tests.support.command import LONGER, ROOT, Done, Seqx
from tests.support.hostile_folders import CHECKPOINTS, COPY, FOLDERS, LOGS, RECORDS, SETS, Change, canary

ROOM = 4 << 30  # bytes of addresses that a command may have over what the tests have: torch alone takes some


@contextmanager
def bounded() -> Iterator[None]:
    """No more memory than a few gigabytes: what is made of a claim of terabytes fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture
def offered(trained: Path, tmp_path: Path) -> Path:
    """A copy of a good run, beside which nothing stands but what it needs to be trained on."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def refuse(seqx: Seqx, run: Path, change: Change, words: str, *commands: tuple[str, ...]) -> None:
    change(run)
    before = snapshot(run.parent)
    for command in commands:
        with bounded():
            done = seqx(*command)
        check(done, 1, words)
        assert not canary(run).exists()
        assert snapshot(run.parent) == before


TRANSLATE = ("translate", "--run", "run", "--engine", "torch", "un chat")
FAST = ("translate", "--run", "run", "--engine", "ctranslate2", "--precision", "float32", "un chat")
EVALUATE = ("evaluate", "--quiet", "--run", "run", "--engine", "torch")
EXPORT = ("export", "--run", "run")
SCORE = ("score", "--run", "run", "--engine", "torch", "--source-file", "no", "--target-file", "no")
COMPARE = ("compare", "run", "run", "--quiet", "--device", "cpu")


@pytest.mark.parametrize("name", FOLDERS)
def test_a_run_folder_of_a_stranger_is_refused(seqx: Seqx, offered: Path, name: str) -> None:
    refuse(seqx, offered, *FOLDERS[name], TRANSLATE, EXPORT)


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLDERS)
def test_it_is_refused_by_every_command(seqx: Seqx, offered: Path, name: str) -> None:
    refuse(seqx, offered, *FOLDERS[name], EVALUATE, COMPARE, SCORE)


@pytest.mark.parametrize("name", COPY)
def test_a_copy_of_a_stranger_is_refused_before_it_is_opened(seqx: Seqx, offered: Path, name: str) -> None:
    refuse(seqx, offered, *COPY[name], FAST)


def test_a_run_that_is_not_named_is_looked_at_as_well(seqx: Seqx, offered: Path) -> None:
    (offered.parent / "runs").mkdir()
    moved = offered.rename(offered.parent / "runs" / "newest")
    assert seqx("translate", "un chat").code == 0
    (moved / "metrics.jsonl").unlink()
    (moved / "metrics.jsonl").symlink_to("/dev/zero")
    check(seqx("translate", "un chat"), 1, "metrics.jsonl is a link that leads out of the run folder")


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_that_cannot_be_added_to_is_refused(seqx: Seqx, offered: Path, name: str) -> None:
    refuse(seqx, offered, *RECORDS[name], EVALUATE, EXPORT)


@pytest.mark.parametrize("name", SETS)
def test_a_test_set_of_a_stranger_is_refused(seqx: Seqx, offered: Path, name: str) -> None:
    refuse(seqx, offered, *SETS[name], EVALUATE, EXPORT, COMPARE)


def test_one_that_opens_as_it_is_would_be_served(seqx: Seqx, offered: Path) -> None:
    for command in (TRANSLATE, FAST):
        assert seqx(*command).code == 0


@pytest.mark.parametrize("name", ["log through a link", "checkpoints through a link"])
def test_training_does_not_go_on_through_a_link(seqx: Seqx, offered: Path, name: str) -> None:
    arguments = tiny.arguments(offered.parent)
    change, words = FOLDERS[name]
    refuse(seqx, offered, change, words, ("train", "--quiet", *arguments, "--run", "run"))


def resume(seqx: Seqx, trained: Path) -> Done:
    return seqx("train", *tiny.arguments(trained.parent), "--run", "run", "--device", "cpu", *LONGER)


@pytest.mark.parametrize("name", {**CHECKPOINTS, **LOGS})
def test_training_does_not_go_on_from_what_a_stranger_made(seqx: Seqx, offered: Path, trained: Path, name: str) -> None:
    change, words = {**CHECKPOINTS, **LOGS}[name]
    change(offered)
    before = snapshot(offered)
    with bounded():
        done = resume(seqx, trained)
    assert done.code == 1 and "Traceback" not in done.err
    (said,) = [line for line in done.err.split("\n") if line.startswith("seqx: ")]
    assert words in said
    assert not canary(offered).exists()
    after = snapshot(offered)
    assert {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} <= {
        offered / "run.json"
    }


@pytest.mark.parametrize("name", ["step-abc", "step-9", "step-+000060", "step-0000060 ", "step-٠٠٠٠٠٦٠"])
def test_folders_of_other_names_are_no_checkpoints(seqx: Seqx, offered: Path, trained: Path, name: str) -> None:
    (offered / "model.safetensors").unlink()
    newest = offered / "checkpoints" / "step-0000060"
    newest.rename(newest.with_name(name))
    done = resume(seqx, trained)
    assert done.code == 0 and "Resuming from step 40" in done.err
    assert (offered / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", FOLDERS)
def test_processes_of_their_own_stay_small(offered: Path, name: str) -> None:
    change, words = FOLDERS[name]
    change(offered)
    watched = (
        "import sys; from cli.main import main; from pathlib import Path\n"
        f"sys.argv = {['seqx', *TRANSLATE]!r}\n"
        "try: main()\n"
        "finally: print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{watched}"],
        cwd=offered.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and words in done.stderr
    assert int(done.stdout.split()[-1]) < 700 * 1024  # KiB: torch has some 250 MiB of it
