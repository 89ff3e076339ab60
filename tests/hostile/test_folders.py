"""What a stranger made is refused in a line or two: no code of it runs, nothing is written, memory is bounded."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seq2seq.files import sha256
from tests import tiny
from tests.cli.bad_input.cases import check, snapshot
from tests.cli.conftest import LONGER, ROOT, Seqx
from tests.hostile.folders import COPY, FOLDERS, RECORDS, SETS, Change, canary, pickled

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


def test_a_checkpoint_of_pickles_is_not_read(seqx: Seqx, offered: Path, trained: Path) -> None:
    arguments = tiny.arguments(trained.parent)
    (offered / "model.safetensors").unlink()
    for state in offered.glob("checkpoints/step-*/state.json"):
        values = json.loads(state.read_text())
        for name in values["sha256"]:
            (state.parent / name).write_bytes(pickled(offered))
            values["sha256"][name] = sha256(state.parent / name)
        state.write_text(json.dumps(values))
    done = seqx("train", "--quiet", *arguments, "--run", "run", "--device", "cpu", *LONGER)
    assert "Traceback" not in done.err and ("checkpoint" in done.err or done.code == 0)
    assert not canary(offered).exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLDERS)
def test_processes_of_their_own_stay_small(offered: Path, name: str) -> None:
    change, words = FOLDERS[name]
    change(offered)
    watched = (
        "import resource, sys; from cli.main import main\n"
        f"sys.argv = {['seqx', *TRANSLATE]!r}\n"
        "try: main()\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stdout)"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{watched}"],
        cwd=offered.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and words in done.stderr
    assert int(done.stdout.split()[-1]) < 700 * 1024  # KiB: torch has some 250 MiB of it
