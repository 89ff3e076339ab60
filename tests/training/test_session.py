"""A whole training: resumed = uninterrupted, nothing lost, stopping when told."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
import torch

from seq2seq import device, tasks
from seq2seq.data.batches import Place
from seq2seq.data.corpus import Corpus
from seq2seq.data.pairs import file_pair
from seq2seq.errors import DataError, RunError
from seq2seq.run import Run
from seq2seq.storage.tensors import read_weights
from seq2seq.tasks import preparation
from seq2seq.training import gradient
from seq2seq.training.checkpoints import checkpoint
from seq2seq.training.faults import Fault
from seq2seq.training.loop import Progress
from seq2seq.training.session import Event, Started, Stopped, Validated, ahead
from tests.support import tiny
from tests.support.sessions import final, rows, session, stop_after, tiny_recipe


@pytest.fixture(scope="module")
def whole(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    """A run of the tiny recipe that nothing interrupted, and its events; tests must not change it."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    torch.manual_seed(1)
    return folder, list(session(tiny_recipe(), corpus, folder).events())


# Before any checkpoint, at a validation that is not reached, and between two.
@pytest.mark.parametrize(("threads", "kills"), [(1, (2, 5)), (2, (3,))])
def test_killed_and_resumed_is_bit_identical_to_uninterrupted(
    corpus: Corpus,
    tmp_path: Path,
    threads: int,
    kills: tuple[int, ...],
    use_threads: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_threads(threads)
    monkeypatch.setattr(gradient, "MIN_PLACES_PER_THREAD", 1)
    recipe = tiny_recipe(accumulate=2)
    list(session(recipe, corpus, tmp_path / "whole").events())
    whole = final(tmp_path / "whole")
    for update in kills:
        folder = tmp_path / f"killed{update}"
        stop_after(update, session(recipe, corpus, folder).events())
        started, *_ = session(recipe, corpus, folder).events()
        assert isinstance(started, Started)
        assert started.step == (update - 1) // 2 * 2  # the validation of an even step was not reached
        killed = final(folder)
        assert all(torch.equal(whole[name], killed[name]) for name in whole)
        assert rows(tmp_path / "whole") == rows(folder)


def test_interrupted_saves_between_validations_and_goes_on_exactly(
    corpus: Corpus, tmp_path: Path, whole: tuple[Path, list[Event]]
) -> None:
    recipe = tiny_recipe()
    seen: list[Event] = []
    for event in session(recipe, corpus, tmp_path / "stopped").events(
        lambda: any(isinstance(e, Progress) and e.step == 3 for e in seen)
    ):
        seen.append(event)
    assert seen[-1] == Stopped(3, "interrupted", finished=False)
    assert not (tmp_path / "stopped" / "model.safetensors").exists()
    resumed = list(session(recipe, corpus, tmp_path / "stopped").events())
    assert isinstance(resumed[0], Started) and resumed[0].step == 3
    expected, stopped = final(whole[0]), final(tmp_path / "stopped")
    assert all(torch.equal(expected[name], stopped[name]) for name in expected)
    assert rows(whole[0]) == rows(tmp_path / "stopped")


def test_final_weights_are_the_mean_of_the_last_checkpoints(corpus: Corpus, tmp_path: Path) -> None:
    recipe = tiny_recipe(average_last=2)
    seen: dict[int, dict[str, torch.Tensor]] = {}
    made = session(recipe, corpus, tmp_path / "run")
    for event in made.events():
        if isinstance(event, Validated):
            seen[event.step] = read_weights(
                checkpoint.folder(tmp_path / "run" / "checkpoints", event.step) / "weights.safetensors"
            )
    for name, tensor in final(tmp_path / "run").items():
        torch.testing.assert_close(tensor, (seen[4][name] + seen[6][name]) / 2)
    noted = Run(tmp_path / "run").record()["weights"]
    assert (noted["made"], noted["steps"]) == ("average", [4, 6])


def test_keep_best_takes_the_checkpoint_with_the_best_figure(corpus: Corpus, tmp_path: Path) -> None:
    recipe = tiny_recipe(keep="best", metric="loss", steps=8)
    validations = [
        event for event in session(recipe, corpus, tmp_path / "run").events() if isinstance(event, Validated)
    ]
    best = min(validations, key=lambda event: event.figures["loss"])
    assert best.best
    assert Run(tmp_path / "run").record()["weights"]["steps"] == [best.step]


def test_patience_stops_training_and_survives_resuming(corpus: Corpus, tmp_path: Path) -> None:
    # At this rate the loss only grows.
    recipe = tiny_recipe(metric="loss", patience=2, steps=40, learning_rate=3.0)
    whole = list(session(recipe, corpus, tmp_path / "whole").events())
    last = whole[-1]
    assert isinstance(last, Stopped) and last.finished and last.step < 40 and "no improvement in 2" in last.reason
    stop_after(last.step - 1, session(recipe, corpus, tmp_path / "killed").events())
    assert list(session(recipe, corpus, tmp_path / "killed").events())[-1] == last


def test_a_validation_measures_loss_and_translates_samples(whole: tuple[Path, list[Event]]) -> None:
    events = whole[1]
    validated = [event for event in events if isinstance(event, Validated)]
    assert [event.step for event in validated] == [2, 4, 6]
    assert validated[-1].figures["loss"] < validated[0].figures["loss"]
    assert len(validated[0].samples) == 3
    assert {sample.source for sample in validated[0].samples} <= {source for source, _ in tiny.pairs(12, 2)}
    started = events[0]
    assert isinstance(started, Started) and started.first is not None
    assert abs(started.first.loss - started.first.uniform) < 0.25 * started.first.uniform


def test_checkpoints_that_nothing_needs_are_deleted(corpus: Corpus, tmp_path: Path) -> None:
    list(session(tiny_recipe(average_last=3, steps=12, metric="loss"), corpus, tmp_path / "run").events())
    kept = checkpoint.steps(tmp_path / "run" / "checkpoints")
    assert kept == [8, 10, 12]
    whole = [
        step
        for step in kept
        if (checkpoint.folder(tmp_path / "run" / "checkpoints", step) / "optimiser.safetensors").exists()
    ]
    assert whole == [10, 12]


@pytest.fixture(scope="module")
def stopped(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed after update 5, its checkpoints those of 2 and 4; tests copy it."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    torch.manual_seed(1)
    stop_after(5, session(tiny_recipe(), corpus, folder).events())
    return folder


def damage(file: Path) -> None:
    contents = bytearray(file.read_bytes())
    contents[-2] ^= 1
    file.write_bytes(contents)


@pytest.mark.parametrize("name", ["weights.safetensors", "optimiser.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(
    corpus: Corpus, tmp_path: Path, whole: tuple[Path, list[Event]], stopped: Path, name: str
) -> None:
    recipe = tiny_recipe()
    shutil.copytree(stopped, tmp_path / "run")
    checkpoints = tmp_path / "run" / "checkpoints"
    damage(checkpoint.folder(checkpoints, 4) / name)
    started, fault, *_ = events = list(session(recipe, corpus, tmp_path / "run").events())
    assert isinstance(started, Started) and started.step == 2
    assert isinstance(fault, Fault) and re.search(
        "step-0000004 is damaged.*damaged-step-0000004.*step 2", fault.message
    )
    assert isinstance(events[-1], Stopped) and events[-1].finished
    expected, run = final(whole[0]), final(tmp_path / "run")
    assert all(torch.equal(expected[key], run[key]) for key in expected)
    assert rows(whole[0]) == rows(tmp_path / "run")
    assert not list(checkpoints.glob("damaged-*"))  # written anew


def test_where_all_checkpoints_are_damaged_nothing_is_moved(corpus: Corpus, tmp_path: Path, stopped: Path) -> None:
    shutil.copytree(stopped, tmp_path / "run")
    for each in (tmp_path / "run" / "checkpoints").glob("*/weights.safetensors"):
        damage(each)
    before = sorted((tmp_path / "run").rglob("*"))
    with pytest.raises(RunError, match=r"no checkpoint is left.*step-0000004.*step-0000002.*train again"):
        list(session(tiny_recipe(), corpus, tmp_path / "run").events())
    assert sorted((tmp_path / "run").rglob("*")) == before


def test_the_final_mean_does_without_a_damaged_checkpoint(corpus: Corpus, tmp_path: Path) -> None:
    recipe = tiny_recipe(average_last=3)
    events = session(recipe, corpus, tmp_path / "run").events()
    stop_after(5, events)
    damage(checkpoint.folder(tmp_path / "run" / "checkpoints", 2) / "weights.safetensors")
    faults = [event for event in events if isinstance(event, Fault)]
    assert [fault.step for fault in faults] == [2] and "made without it" in faults[0].message
    assert Run(tmp_path / "run").record()["weights"]["steps"] == [4, 6]


def test_another_recipe_or_other_text_is_refused_with_the_difference(
    corpus: Corpus, tmp_path: Path, stopped: Path
) -> None:
    shutil.copytree(stopped, tmp_path / "run")
    with pytest.raises(RunError, match=r"training.learning_rate: 0.005 -> 0.1"):
        Run(tmp_path / "run").claim(tiny_recipe(learning_rate=0.1))
    other = file_pair(*tiny.write_pairs(tmp_path, "other", tiny.pairs(50, 9)))
    with pytest.raises(RunError, match="other text"):
        session(tiny_recipe(), Corpus("tiny", "files", (other,), corpus.dev, corpus.test), tmp_path / "run")


def test_no_pair_left_is_an_error_that_counts_the_reasons(corpus: Corpus, tmp_path: Path) -> None:
    recipe = tiny_recipe()
    narrow = recipe.model_copy(update={"data": recipe.data.model_copy(update={"max_length": 1})})
    with pytest.raises(DataError, match=r"no pair is left.*too long: 200"):
        session(narrow, corpus, tmp_path / "run")


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_batches_made_ahead_are_the_same_in_the_same_order(corpus: Corpus, tmp_path: Path, kind: str) -> None:
    choice, task = device.choose("cpu", "float32"), tasks.of(tiny_recipe())
    source = preparation.prepare(task, corpus, Run(tmp_path / "one"), choice, lambda message: None).training.source
    expected = list(islice(source.stream(Place()), 12))
    found = ahead(source.stream(Place()), torch.device(kind))
    for (place, batch), (same, other) in zip(expected, islice(found, 12), strict=True):
        assert place == same and torch.equal(batch.labels, other.labels)
