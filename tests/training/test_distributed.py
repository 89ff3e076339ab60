"""Several processes train what one would: equal losses, every row once, checkpoints for any number of processes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from seq2seq.data.batches import collate
from seq2seq.errors import DeviceError, RecipeError
from seq2seq.recipe import Muon, Recipe, Training
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run
from seq2seq.storage.tensors import read_weights
from seq2seq.training.checkpoints import checkpoint
from seq2seq.training.checkpoints.retention import Store, TrainingState
from seq2seq.training.faults import Health
from seq2seq.training.optimisers import Adam
from seq2seq.training.parallel.launch import joined
from seq2seq.training.parallel.sharded import Shards
from seq2seq.training.parallel.team import Team
from tests.support import tiny, together
from tests.support.together import Job, Seen

NEAR = 1e-5  # nats a token


@pytest.fixture(autouse=True)
def _caches_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQX_RUNS", str(tmp_path / "runs"))


def near(seen: Seen, expected: Seen, steps: range) -> None:
    """The losses of updates are a single process's."""
    assert list(seen.losses) == list(steps)
    for step in steps:
        assert seen.losses[step] == pytest.approx(expected.losses[step], abs=NEAR, rel=0), f"update {step}"


def every_row_once(seen: Seen, expected: Seen) -> None:
    """The rows of each update, over all processes, are those of a single process's batches, and the first epoch's are
    all that there are, once each."""
    assert seen.rows == {step: expected.rows[step] for step in seen.rows}
    epoch = [tuple(row) for step, rows in expected.rows.items() if expected.epochs[step] == 0 for row in rows]
    assert max(expected.epochs.values()) > 0
    assert len(set(epoch)) == len(epoch) == expected.pairs


def same_matrices(run: Path, other: Path) -> None:
    """The final matrices of two runs are alike. Biases of keys change no loss: their gradients are rounding, which
    Adam magnifies."""
    expected = read_weights(other / "model.safetensors")
    for name, tensor in read_weights(run / "model.safetensors").items():
        if tensor.dim() == 2:
            torch.testing.assert_close(tensor, expected[name], rtol=0, atol=1e-3)


def test_two_processes_train_as_one_does_and_one_goes_on_from_their_checkpoint(tmp_path: Path) -> None:
    expected = together.alone(Job("one", "ddp"), tmp_path)
    ddp, fsdp = together.by_several(2, tmp_path, [Job("ddp", "ddp", stop=30), Job("fsdp", "fsdp")])
    near(ddp, expected, range(1, 31))
    near(fsdp, expected, range(1, 51))
    for seen in (ddp, fsdp):
        every_row_once(seen, expected)
        assert seen.draws[0] == expected.draws[0][: len(seen.draws[0])]
        assert len(seen.draws) == 2 and all(mine != other for mine, other in zip(*seen.draws, strict=True))
    assert ddp.weights[0] == pytest.approx(ddp.weights[1], abs=1e-9)
    near(together.alone(Job("ddp", "ddp"), tmp_path), expected, range(31, 51))
    same_matrices(tmp_path / "fsdp", tmp_path / "one")
    assert Run(tmp_path / "fsdp").record()["processes"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2, 4])
@pytest.mark.parametrize("tie", ["all", "none"])
def test_losses_are_those_of_one_process(tmp_path: Path, processes: int, tie: str) -> None:
    model: dict[str, object] = {"tie": tie, "norm": "pre", "encoder_layers": 2, "decoder_layers": 2}
    training: dict[str, object] = {"accumulate": 2, "ema": 0.9, "keep": "ema"}
    expected = together.alone(Job("one", "ddp", training=training, model=model), tmp_path)
    jobs = [Job(way, way, training=training, model=model) for way in ("ddp", "fsdp")]
    for seen, way in zip(together.by_several(processes, tmp_path, jobs), ("ddp", "fsdp"), strict=True):
        near(seen, expected, range(1, 51))
        every_row_once(seen, expected)
        same_matrices(tmp_path / way, tmp_path / "one")
        assert all(len(set(draws)) == processes for draws in zip(*seen.draws, strict=True))


@pytest.mark.slow
def test_processes_without_rows_take_part(tmp_path: Path) -> None:
    training: dict[str, object] = {"batch_tokens": 32}
    expected = together.alone(Job("one", "ddp", training=training), tmp_path)
    assert min(len(rows) for rows in expected.rows.values()) < 4
    for seen in together.by_several(4, tmp_path, [Job(way, way, training=training) for way in ("ddp", "fsdp")]):
        near(seen, expected, range(1, 51))


@pytest.mark.slow
def test_a_process_whose_memory_runs_out_takes_smaller_pieces_and_the_others_do_not_notice(tmp_path: Path) -> None:
    expected = together.alone(Job("one", "ddp"), tmp_path)
    (seen,) = together.by_several(2, tmp_path, [Job("ddp", "ddp", places=60)])
    near(seen, expected, range(1, 51))
    faults = [json.loads(line) for line in Run(tmp_path / "ddp").faults.read_text().splitlines()]
    assert "out of memory; updates are computed in 2 micro-batches" in faults[0]["message"]
    assert len({fault["step"] for fault in faults}) == len(faults)
    refused = together.launched(2, tmp_path, [Job("fsdp", "fsdp", places=60)])
    assert refused.returncode != 0
    assert "--parallel fsdp cannot cut; resume with more processes, or with --parallel ddp" in refused.stderr


@pytest.mark.slow
def test_a_model_of_running_text_trains_alike(tmp_path: Path) -> None:
    model: dict[str, object] = {"architecture": "decoder-only", "norm": "pre", "positions": "rotary"}
    expected = together.alone(Job("one", "ddp", model=model), tmp_path)
    jobs = [Job(way, way, model=model) for way in ("ddp", "fsdp")]
    for seen in together.by_several(2, tmp_path, jobs):
        near(seen, expected, range(1, 51))


@pytest.mark.slow
def test_a_checkpoint_goes_on_with_any_number_of_processes_in_either_way(tmp_path: Path) -> None:
    expected = together.alone(Job("one", "ddp"), tmp_path)
    begun = [Job("ddp", "ddp", stop=15), Job("fsdp", "fsdp", stop=15)]
    for seen in together.by_several(2, tmp_path, begun):
        near(seen, expected, range(1, 16))
    for way in ("ddp", "fsdp"):
        for other in ("ddp", "fsdp"):
            shutil.copytree(tmp_path / way, tmp_path / f"{way}-{other}")
    crossed = [Job(f"{way}-{other}", other, stop=35) for way in ("ddp", "fsdp") for other in ("ddp", "fsdp")]
    for seen in together.by_several(4, tmp_path, crossed):
        near(seen, expected, range(16, 36))
        every_row_once(seen, expected)
    for job in crossed:
        near(together.alone(Job(job.run, "ddp"), tmp_path), expected, range(36, 51))


@pytest.mark.slow
@pytest.mark.parametrize("way", ["ddp", "fsdp"])
def test_with_dropout_a_resumed_training_repeats_the_uninterrupted_one(tmp_path: Path, way: str) -> None:
    model: dict[str, object] = {"dropout": 0.3}
    (whole,) = together.by_several(2, tmp_path, [Job("whole", way, model=model)])
    together.by_several(2, tmp_path, [Job("parts", way, stop=20, model=model)])
    (resumed,) = together.by_several(2, tmp_path, [Job("parts", way, model=model)])
    assert resumed.losses == {step: loss for step, loss in whole.losses.items() if step > 20}
    one, other = (read_weights(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_shares_of_a_batch_are_its_rows_and_no_process_is_without_one() -> None:
    batch = collate([[4], [5, 6]], [[7, 8], [9]])
    shares = [batch.share(number, 4) for number in range(4)]
    assert torch.equal(torch.cat([share.labels for share in shares[:2]]), batch.labels)
    assert [share.tokens for share in shares] == [3, 2, 0, 0]
    assert all(len(share.labels) == 1 for share in shares)
    assert not any(share.mask is None or share.mask.any() for share in shares[2:])


class Second(Team):
    """The second of two processes."""

    rank = 1


def test_only_the_first_process_saves_and_deletes(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    training = recipe_files.parse(tiny.RECIPE, "tiny").training
    first, second = (
        Store(tmp_path, training, model, Adam(model.parameters()), torch.device("cpu"), team)
        for team in (Team(), Second())
    )
    amid_faults = Health(in_a_row=1)  # of which nothing is deleted
    for step in (0, 2, 4, 6):
        first.save(step, TrainingState(), amid_faults)
        second.save(step + 1, TrainingState(), Health())
        assert checkpoint.steps(tmp_path) == list(range(0, step + 1, 2))
    first.save(6, TrainingState(), Health())
    assert checkpoint.steps(tmp_path) == [4, 6]


def test_what_cannot_be_spread_is_refused() -> None:
    for recipe, named in (
        (Recipe(optimizer=Muon()), 'optimizer.kind = "muon"'),
        (Recipe(training=Training(compile=True)), "training.compile"),
    ):
        with pytest.raises(RecipeError, match=f"{named}.*--parallel ddp"):
            Shards.check(Shards.__new__(Shards), recipe)


def test_several_processes_need_torchrun_and_devices_that_can_be_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceError, match=r"--parallel ddp is for several.*torchrun --nproc-per-node"), joined("ddp"):
        pass
    for name, value in (("RANK", 1), ("WORLD_SIZE", 2), ("LOCAL_RANK", 1), ("MASTER_ADDR", "x"), ("MASTER_PORT", 1)):
        monkeypatch.setenv(name, str(value))
    with pytest.raises(DeviceError, match="--device mps under torchrun"), joined(device="mps"):
        pass
