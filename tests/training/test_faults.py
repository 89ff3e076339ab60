"""Updates that cannot be made: skipped whole, told with their batch, and left behind for good."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from seq2seq.data.batches import Place
from seq2seq.data.corpus import Corpus
from seq2seq.errors import RunError
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.storage.tensors import read_weights
from seq2seq.training import ema, optimisers
from seq2seq.training.checkpoints import checkpoint
from seq2seq.training.faults import Fault, Health, UpdateFigures
from seq2seq.training.loop import Progress
from seq2seq.training.session import Event, Session, Started, Stopped
from tests.support.optimised import made, update
from tests.support.sessions import final, rows, session, stop_after, tiny_recipe


def broken(made: Session, when: Callable[[int, float], bool]) -> Iterator[Event]:
    """A training run without finite gradients in updates that `when` picks by step and share of the planned rate."""
    done = 0
    weight = next(made.model.parameters())
    weight.register_hook(lambda grad: grad * math.inf if when(done + 1, made.health.rate) else grad)
    for event in made.events():
        if isinstance(event, Progress | Started):
            done = event.step
        elif isinstance(event, Fault) and event.kind == "retreat":
            done = made.health.retreated_to
        yield event


def tensors(model: torch.nn.Module, optimiser: torch.optim.Optimizer) -> list[torch.Tensor]:
    states = [value for weight in model.parameters() for _, value in sorted(optimiser.state.get(weight, {}).items())]
    return [each.detach().clone() for each in (*model.parameters(), *states)]


@pytest.mark.parametrize("step", [optimisers.step_unless, optimisers.masked_step], ids=["told", "masked"])
@pytest.mark.parametrize("kind", ["adam", "adamw", "muon"])
@pytest.mark.parametrize("first", [False, True], ids=["later", "at once"])
def test_a_skipped_update_changes_nothing_and_the_next_is_made_as_if_nothing_had_been(
    kind: str, first: bool, step: Callable[[torch.Tensor, torch.optim.Optimizer], None]
) -> None:
    (model, optimiser), (other, plain) = made(kind), made(kind)
    for number in () if first else (1, 2):  # after the second the averages are not the weights
        for each, its in ((model, optimiser), (other, plain)):
            update(each, its, 1e-2, seed=number)
            ema.update(its, each, 0.9, number, torch.tensor(False))
    for weight in model.parameters():
        weight.grad = torch.full_like(weight, math.nan)
    step(torch.tensor(True), optimiser)
    optimiser.zero_grad()
    if not first:
        ema.update(optimiser, model, 0.9, 3, torch.tensor(True))
        assert all(map(torch.equal, tensors(model, optimiser), tensors(other, plain)))
    update(model, optimiser, 1e-2, seed=3)
    update(other, plain, 1e-2, seed=3)
    assert all(map(torch.equal, tensors(model, optimiser), tensors(other, plain)))


def test_averages_that_the_host_does_not_wait_for_move_alike() -> None:
    model, _ = made("adam")
    weights: list[torch.Tensor] = [weight.detach() + 1 for weight in model.parameters()]
    averages = [weight.detach().clone() for weight in model.parameters()]
    ema.move_masked(averages, weights, 0.3, torch.tensor(True))
    assert all(map(torch.equal, averages, model.parameters()))
    ema.move_masked(averages, weights, 0.3, torch.tensor(False))
    for average, weight, start in zip(averages, weights, model.parameters()):
        torch.testing.assert_close(average, start.lerp(weight, 0.3))


def stopped_is_whole(
    after: int, recipe: Recipe, corpus: Corpus, folder: Path, whole: Path, when: Callable[[int, float], bool]
) -> None:
    """A training run with faults that stops after so many updates and goes on ends as the whole one did."""
    stop_after(after, broken(session(recipe, corpus, folder), when))
    list(broken(session(recipe, corpus, folder), when))
    expected, resumed = final(whole), final(folder)
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)
    assert rows(folder) == rows(whole)


def test_skipped_updates_are_named_and_resumed_is_uninterrupted(corpus: Corpus, tmp_path: Path) -> None:
    recipe = tiny_recipe(steps=8, ema=0.5, keep="ema").with_values({"optimizer": {"kind": "muon"}})

    def when(step: int, rate: float) -> bool:
        return step in (3, 6)

    events = list(broken(session(recipe, corpus, tmp_path / "whole"), when))
    faults = [event for event in events if isinstance(event, Fault)]
    places = {event.step: event.place for event in events if isinstance(event, Progress)}
    assert [(fault.step, fault.kind, fault.count) for fault in faults] == [(3, "skipped", 1), (6, "skipped", 2)]
    named = [json.loads(line) for line in (tmp_path / "whole/faults.jsonl").read_text().splitlines()]
    assert [Place(row["epoch"], row["chunk"], row["index"]) for row in named] == [places[3], places[6]]
    assert f"batch {places[3].index} of chunk 0, epoch 0" in faults[0].message
    assert [row["skipped"] for row in rows(tmp_path / "whole")] == [0, 1, 2, 2]
    for killed in (3, 5, 7):
        folder = tmp_path / f"killed{killed}"
        stopped_is_whole(killed, recipe, corpus, folder, tmp_path / "whole", when)
        assert (folder / "faults.jsonl").read_text() == (tmp_path / "whole/faults.jsonl").read_text()


def test_faults_in_a_row_lead_back_to_the_last_good_checkpoint_at_half_the_rate(corpus: Corpus, tmp_path: Path) -> None:
    recipe = tiny_recipe(steps=10, max_skipped=3, average_last=4)

    def when(step: int, rate: float) -> bool:
        return step >= 6 and rate > 0.25  # a checkpoint is saved amid the faults, at step 6

    events = list(broken(session(recipe, corpus, tmp_path / "whole"), when))
    backs = [event for event in events if isinstance(event, Fault) and event.kind == "retreat"]
    assert [fault.step for fault in backs] == [8, 8]
    assert "back to step 4, at 0.5 times" in backs[0].message and "back to step 4, at 0.25 times" in backs[1].message
    progress = [event for event in events if isinstance(event, Progress)]
    assert [each.step for each in progress] == [*range(1, 9), *range(5, 9), *range(5, 11)]
    assert progress[-1].learning_rate == pytest.approx(0.25 * 5e-3 * (4 / 10) ** 0.5)
    assert [row["step"] for row in rows(tmp_path / "whole")] == [2, 4, 6, 8, 10]
    for killed in (7, 9):
        stopped_is_whole(killed, recipe, corpus, tmp_path / f"killed{killed}", tmp_path / "whole", when)


def test_faults_that_no_rate_helps_end_with_an_explanation_and_sound_checkpoints(
    corpus: Corpus, tmp_path: Path
) -> None:
    recipe = tiny_recipe(steps=10, max_skipped=2)
    for _ in range(2):
        with pytest.raises(
            RunError, match=r"after step 4 .* 4 times, at last at 0\.125 times.*faults\.jsonl.*learning_rate"
        ):
            list(broken(session(recipe, corpus, tmp_path / "run"), lambda step, rate: step >= 5))
    assert not Run(tmp_path / "run").weights.exists()
    for step in checkpoint.steps(tmp_path / "run/checkpoints"):
        kept = read_weights(checkpoint.folder(tmp_path / "run/checkpoints", step) / "weights.safetensors")
        assert all(tensor.isfinite().all() for tensor in kept.values())


def test_weights_that_are_not_finite_are_never_saved(corpus: Corpus, tmp_path: Path) -> None:
    made = session(tiny_recipe(), corpus, tmp_path / "run")
    backs = []
    for event in made.events():
        if isinstance(event, Progress) and event.step == 4 and not backs:
            next(made.model.parameters()).data[0, 0] = math.nan
        if isinstance(event, Fault):
            backs.append(event.message)
    assert backs == ["step 4: non-finite weights; rolled back to step 2, at 0.5 times the learning rate"]
    assert isinstance(event, Stopped) and event.finished
    assert all(tensor.isfinite().all() for tensor in final(tmp_path / "run").values())


def test_a_loss_that_runs_away_is_told_once_an_episode() -> None:
    health = Health()

    def told(losses: list[float], start: int) -> list[Fault]:
        places = (
            UpdateFigures(start + number, Place(), loss, 2.5, 1e-3, 1, ("loss", loss))
            for number, loss in enumerate(losses)
        )
        return [fault for figures in places for fault in health.take(figures, 1)]

    falling = [1.5 + 6 * 0.97**step for step in range(400)]
    assert told(falling, 1) == []
    assert told([6.0], 401) == []  # one odd batch
    assert told(falling[-20:], 402) == []
    (fault,) = told([7.0] * 50, 422)
    assert fault.kind == "divergence" and "gradient norm 2.5, rate 1.00e-03" in fault.message
    assert told(falling[-100:], 472) == []
    assert len(told([7.0] * 50, 572)) == 1


def test_memory_that_ends_is_told_when_an_update_takes_more_pieces_than_before() -> None:
    health = Health()
    pieces = [2, 2, 4, 4, 2, 8]
    faults = [
        fault
        for step, count in enumerate(pieces)
        for fault in health.take(UpdateFigures(step, Place(), 1.0, 1.0, 1.0, count), accumulate=2)
    ]
    assert [(fault.step, fault.kind) for fault in faults] == [(2, "memory"), (5, "memory")]
    assert "out of memory; updates are computed in 4 micro-batches" in faults[0].message
