"""A finished run trained longer: its schedule begins again, and resumed it ends as uninterrupted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from seq2seq.data.corpus import Corpus
from seq2seq.errors import RunError
from seq2seq.run import Run
from seq2seq.training import extension, schedule
from seq2seq.training.session import Stopped
from tests.support import samples, tiny
from tests.support.sessions import final, session, stop_after, tiny_recipe

TEXT = Corpus("mine", "files", *((samples.text(tiny.pairs(60, 5)),), *(samples.text(tiny.pairs(6, n)) for n in (6, 7))))


def longer(folder: Path) -> Run:
    """A run, finished by patience, whose extension by six updates has begun."""
    list(session(tiny_recipe(patience=1), TEXT, folder).events())
    run = Run(folder)
    assert not extension.is_being_extended(run)
    stage = extension.last_stage(run.recipe()).with_values({"training": {"steps": 6, "schedule": "linear"}})
    extension.begin(run, extension.extended(run, stage))
    assert extension.is_being_extended(run) and run.weights.is_file()
    return run


def test_resumed_it_ends_as_uninterrupted(tmp_path: Path) -> None:
    whole, stopped = (longer(tmp_path / name) for name in ("whole", "stopped"))
    begin = whole.recipe().training.begin
    assert 0 < begin <= 6
    events = list(session(whole.recipe(), TEXT, whole.path).events())
    assert isinstance(events[-1], Stopped) and events[-1].finished and events[-1].step > begin
    stop_after(begin + 3, session(stopped.recipe(), TEXT, stopped.path).events())
    list(session(stopped.recipe(), TEXT, stopped.path).events())
    assert all(torch.equal(weight, final(whole.path)[name]) for name, weight in final(stopped.path).items())
    assert all(step > begin for step in whole.record()["weights"]["steps"])
    assert whole.record()["stages"][0]["finished"]["step"] == begin
    assert extension.last_stage(whole.recipe()).training.steps == 6


def test_its_schedule_begins_again() -> None:
    recipe = tiny_recipe(steps=20, schedule="linear", warmup_steps=4)
    later = tiny_recipe(steps=120, begin=100, schedule="linear", warmup_steps=4)
    first, second = schedule.for_recipe(recipe), schedule.for_recipe(later)
    assert [second(100 + step) for step in range(1, 21)] == [first(step) for step in range(1, 21)]


def test_a_run_that_is_not_finished_is_refused(tmp_path: Path) -> None:
    stop_after(3, session(tiny_recipe(), TEXT, tmp_path / "run").events())
    with pytest.raises(RunError, match="training is not finished; re-run the command that began it"):
        extension.is_being_extended(Run(tmp_path / "run"))
