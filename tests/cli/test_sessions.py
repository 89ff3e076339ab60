"""What computes a run is on record; where it changes on the way, that is said before training goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq.device import Numerics
from seq2seq.errors import RunError
from seq2seq.run import Run
from seq2seq.training.parallel.team import Team
from seq2seq.training.provenance import begin_session
from tests.support import tiny
from tests.support.command import LONGER, Done, Seqx


def stopped(run: Path) -> None:
    """As it was at step 40 of 60."""
    (run / "model.safetensors").unlink()
    shutil.rmtree(run / "checkpoints" / "step-0000060")


def resume(seqx: Seqx, trained: Path) -> Done:
    return seqx("train", *tiny.arguments(trained.parent), "--run", "own", "--device", "cpu", *LONGER)


def sessions(run: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Run(run).record()["sessions"]
    return found


def test_another_number_of_threads_is_said_and_both_are_on_record(
    seqx: Seqx, own: Path, trained: Path, use_threads: Callable[[int], None]
) -> None:
    stopped(own)
    use_threads(2)
    done = resume(seqx, trained)
    assert done.code == 0
    said = (
        "NOTE: threads 1 before, 2 now: the weights will differ in their last bits from those of an uninterrupted run"
    )
    assert said in done.err
    assert done.err.index("Resuming from step 40") < done.err.index(said) < done.err.index("step 60: ")
    assert [(each["from"], each["threads"]) for each in sessions(own)] == [(0, 1), (40, 2)]


def test_the_same_goes_on_without_a_word(seqx: Seqx, own: Path, trained: Path) -> None:
    stopped(own)
    done = resume(seqx, trained)
    assert done.code == 0 and "NOTE" not in done.err
    assert sessions(own) == sessions(trained)
    assert [each["from"] for each in sessions(own)] == [0]


def test_a_run_of_an_older_seqx_is_compared_by_what_it_has_on_record(seqx: Seqx, own: Path, trained: Path) -> None:
    stopped(own)
    record = json.loads((own / "run.json").read_text())
    del record["sessions"]
    record["versions"] |= {"torch": "2.4.0", "threads": 8}
    (own / "run.json").write_text(json.dumps(record))
    done = resume(seqx, trained)
    assert done.code == 0
    assert f"NOTE: threads 8 before, 1 now, torch 2.4.0 before, {version('torch')} now: " in done.err
    assert [(each["from"], each["torch"]) for each in sessions(own)] == [(0, "2.4.0"), (40, version("torch"))]


class _Several(Team):
    size = 4
    way = "ddp"


FLOAT32 = Numerics(torch.device("cpu"), None)


@pytest.mark.parametrize(
    ("numerics", "team", "said"),
    [
        (FLOAT32, Team(), ""),
        (Numerics(torch.device("cpu"), torch.bfloat16), Team(), "precision float32 before, bfloat16 products now"),
        (Numerics(torch.device("mps"), None), Team(), "device cpu before, mps now"),
        (FLOAT32, _Several(), "processes 1 before, 4 now, parallel none before, ddp now"),
    ],
)
def test_whatever_else_computes_otherwise_is_said(tmp_path: Path, numerics: Numerics, team: Team, said: str) -> None:
    run = Run(tmp_path)
    assert begin_session(run, 0, FLOAT32, Team()) == ""
    different = begin_session(run, 40, numerics, team)
    assert different.startswith(said) and bool(different) == bool(said)
    assert [each["from"] for each in run.record()["sessions"]] == ([0, 40] if said else [0])


def test_sessions_of_which_nothing_is_left_are_dropped(tmp_path: Path) -> None:
    run, several = Run(tmp_path), _Several()
    for step, team in ((0, Team()), (40, several), (60, Team())):
        begin_session(run, step, FLOAT32, team)
    assert begin_session(run, 20, FLOAT32, several).startswith("processes 1 before, 4 now")
    assert [(each["from"], each["processes"]) for each in run.record()["sessions"]] == [(0, 1), (20, 4)]
    assert begin_session(run, 0, FLOAT32, several) == ""
    assert [(each["from"], each["processes"]) for each in run.record()["sessions"]] == [(0, 4)]


@pytest.mark.parametrize("sessions", [5, [5], [{}], [{"from": "x"}]])
def test_sessions_that_are_none_are_an_error(tmp_path: Path, sessions: Any) -> None:
    run = Run(tmp_path)
    run.note(sessions=sessions)
    with pytest.raises(RunError, match=r"run\.json is damaged: sessions"):
        begin_session(run, 40, FLOAT32, Team())
