"""Event files of TensorBoard: whatever happens to training, they show what its logs have."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path

import pytest

from seq2seq.report.curves import EVENTS, EventFiles
from seq2seq.run import Run
from tests.support import reported


@pytest.fixture(autouse=True)
def a_second_for_each_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in the order of their names, which begin with the second."""
    pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed")
    seconds = count(1_800_000_000)
    monkeypatch.setattr(time, "time", lambda: next(seconds))


def log(run: Run, updates: int, judged: int, again: int = 99) -> None:
    """Write the logs of so many updates, and of validations at each fourth; those after `again` have other figures."""
    reported.write_rows(
        run.updates, [{"step": step, "loss": step / 8 + (step > again)} for step in range(1, updates + 1)]
    )
    rows = [
        {"step": step, "dev_loss": step / 4 + (step > again), "train_loss": 9.0} for step in range(4, judged + 1, 4)
    ]
    reported.write_rows(run.metrics, rows)


def shown(run: Run) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run.path / EVENTS))
    events.Reload()
    found = {tag: [(each.step, each.value) for each in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    return {tag: rows for tag, rows in found.items() if rows}


def in_logs(run: Run) -> dict[str, list[tuple[int, float]]]:
    updates, judged = reported.read_rows(run.updates), reported.read_rows(run.metrics)
    found = {
        "training/loss": [(row["step"], row["loss"]) for row in updates],
        "dev/loss": [(row["step"], row["dev_loss"]) for row in judged],
    }
    return {tag: rows for tag, rows in found.items() if rows}


@pytest.mark.parametrize(
    ("process", "changes"),
    [
        ("it trains on", [(8, 8), (12, 12)]),
        ("it is stopped between validations", [(6, 4), (8, 8)]),
        ("the last checkpoint is damaged", [(12, 12), (8, 8), (12, 12, 8)]),
        ("it begins again", [(12, 12), (0, 0), (4, 4, 0)]),
        ("nothing is new", [(8, 8), (8, 8)]),
    ],
)
@pytest.mark.parametrize("resumed", [True, False])
def test_they_show_each_step_once(tmp_path: Path, process: str, changes: list[tuple[int, ...]], resumed: bool) -> None:
    run = Run(tmp_path)
    files = EventFiles(run)
    for logged in changes:
        log(run, *logged)
        files = EventFiles(run) if resumed else files
        files.write()
        assert shown(run) == in_logs(run), process


def test_what_a_process_did_not_write_to_its_end_the_next_one_adds(tmp_path: Path) -> None:
    run = Run(tmp_path)
    log(run, 8, 4)
    EventFiles(run).write()
    (file,) = (run.path / EVENTS).iterdir()
    contents = file.read_bytes()
    log(run, 8, 8)
    for end in range(0, len(contents) + 1, 7):
        for each in (run.path / EVENTS).iterdir():
            each.unlink()
        file.write_bytes(contents[:end])
        EventFiles(run).write()
        assert shown(run) == in_logs(run), end
