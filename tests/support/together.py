"""Trainings by several processes: `torchrun ... -m tests.support.together FOLDER`, which does the jobs of
FOLDER/jobs.json and writes what it saw of them beside it; or by this process alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, distributed, nn

from seq2seq import device, recipe
from seq2seq.data.batches import Batch
from seq2seq.data.corpus import Corpus
from seq2seq.data.pairs import file_pair
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run
from seq2seq.tasks import preparation
from seq2seq.tasks.translation import Translation
from seq2seq.training.loop import Progress
from seq2seq.training.parallel.launch import joined
from seq2seq.training.parallel.sharded import Shards
from seq2seq.training.parallel.team import ALONE, Replicas, Team
from tests.support import tiny

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Job:
    """A training run, or a part of one, in a run folder."""

    run: str
    way: str  # ddp or fsdp
    stop: int | None = None  # after this update, which is saved; None = to the end
    training: dict[str, object] = field(default_factory=dict)  # changes of the recipe
    model: dict[str, object] = field(default_factory=dict)
    places: int | None = None  # of a batch that the memory of the last process holds; None = all


@dataclass(frozen=True)
class Seen:
    """What a job showed, over all processes."""

    losses: dict[int, float]  # by update
    epochs: dict[int, int]  # by update: the epoch that its last batch is of
    pairs: int  # of an epoch
    rows: dict[int, list[list[int]]]  # by update: the labels of each row, of all processes, sorted
    draws: list[list[int]]  # of each process: random numbers before each update
    weights: list[float]  # of each process: a sum of its whole model's weights at the end; nothing under fsdp


class _Watched:
    """Notes the shares that a team hands out, and what its updates draw."""

    def __init__(self, team: Team) -> None:
        self.rows: list[list[list[int]]] = []
        self.draws: list[int] = []
        rows_of, begin_update = team.rows_of, team.begin_update

        def watched_rows_of(batch: Batch) -> Batch:
            own = rows_of(batch)
            masks = torch.ones_like(own.labels, dtype=torch.bool) if own.mask is None else own.mask
            self.rows[-1] += [labels[mask].tolist() for labels, mask in zip(own.labels, masks) if mask.any()]
            return own

        def watched_begin_update(step: int) -> None:
            begin_update(step)
            self.rows.append([])
            before = torch.get_rng_state()
            self.draws.append(int(torch.randint(2**31, ())))
            torch.set_rng_state(before)

        team.rows_of, team.begin_update = watched_rows_of, watched_begin_update  # type: ignore[method-assign]


def _cramp(model: nn.Module, places: int) -> None:
    """Let a model run out of memory on inputs of more than some places."""
    hidden = model.hidden

    def cramped(*inputs: Tensor) -> Tensor:
        if inputs[0].numel() > places:
            raise torch.OutOfMemoryError("out of memory")
        return hidden(*inputs)  # type: ignore[no-any-return,operator]

    model.hidden = cramped  # type: ignore[assignment]


def wanted(job: Job) -> recipe.Recipe:
    """The tiny recipe without dropout, at 50 updates, changed as a job says."""
    base = recipe_files.parse(tiny.RECIPE, "tiny")
    training = {"steps": 50, "validate_every": 25, "validate_sentences": 2, **job.training}
    return base.model_copy(
        update={
            "training": recipe.Training.model_validate({**base.training.model_dump(), **training}),
            "model": recipe.Model.model_validate({**base.model.model_dump(), "dropout": 0.0, **job.model}),
        }
    )


def corpus(folder: Path) -> Corpus:
    """The tiny corpus, in files of a folder."""
    texts = [
        file_pair(*tiny.write_pairs(folder, name, tiny.pairs(count, seed)))
        for name, count, seed in (("train", 200, 1), ("dev", 12, 2), ("test", 12, 3))
    ]
    return Corpus("tiny", "files", (texts[0],), texts[1], texts[2])


def do(job: Job, folder: Path, team: Team) -> Seen:
    """Do a job as one of a team."""
    watched = _Watched(team)
    run = Run(folder / job.run)
    made = wanted(job)
    if team.main:
        run.claim(made)
        corpus(folder)
    with team.main_first():
        pass
    texts = [file_pair(folder / f"{name}.fr", folder / f"{name}.en") for name in ("train", "dev", "test")]
    session = preparation.session(
        Translation(made),
        Corpus("tiny", "files", (texts[0],), texts[1], texts[2]),
        run,
        device.choose("cpu", "float32"),
        lambda message: None,
        team=team,
    )
    if job.places is not None and team.rank == team.size - 1:
        _cramp(session.model, job.places)
    losses: dict[int, float] = {}
    epochs: dict[int, int] = {}
    # The first process alone asks for the stop.
    for event in session.events(lambda: team.main and max(losses) == job.stop):
        if isinstance(event, Progress):
            losses[event.step], epochs[event.step] = event.loss.item(), event.place.epoch
    rows: dict[int, list[list[int]]] = {step: [] for step in losses}
    for each in team.all_gather(watched.rows):
        for step, some in zip(losses, each, strict=True):
            rows[step] = sorted([*rows[step], *some])
    total = sum(float(weight.detach().double().sum()) for weight in session.model.parameters()) if team.cuts else 0.0
    pairs = run.record()["pairs"]["kept"]
    return Seen(losses, epochs, pairs, rows, team.all_gather(watched.draws), team.all_gather(total))


def alone(job: Job, folder: Path) -> Seen:
    """Do a job by this process alone."""
    return do(job, folder, Team())


def torchrun(processes: int, *arguments: str, restarts: int = 0) -> list[str]:
    """The command line that starts a module with arguments in several processes of this machine, on a free port."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return [*launch, f"--max-restarts={restarts}", "-m", "--", *arguments]


def environment(folder: Path) -> dict[str, str]:
    """What processes of one thread, their runs and caches under a folder, are started with."""
    return {**os.environ, "SEQX_RUNS": str(folder / "runs"), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def launched(processes: int, folder: Path, jobs: Sequence[Job]) -> subprocess.CompletedProcess[str]:
    """Have several processes do jobs, one job after another."""
    (folder / "jobs.json").write_text(json.dumps([asdict(job) for job in jobs]))
    return subprocess.run(
        torchrun(processes, "tests.support.together", str(folder)),
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=300,
    )


def by_several(processes: int, folder: Path, jobs: Sequence[Job]) -> list[Seen]:
    """What several processes saw of jobs that they did."""
    done = launched(processes, folder, jobs)
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "seen.json").read_text())
    for each in found:
        for name in ("losses", "epochs", "rows"):
            each[name] = {int(step): value for step, value in each[name].items()}
    return [Seen(**each) for each in found]


def main(folder: Path) -> None:
    """Be one of the processes."""
    ways: dict[str, Callable[[str], Team]] = {"ddp": Replicas, "fsdp": Shards}
    with joined("ddp", "cpu") as joint:
        assert joint is not ALONE and distributed.is_initialized()
        jobs = [Job(**each) for each in json.loads((folder / "jobs.json").read_text())]
        seen = [do(job, folder, ways[job.way]("cpu")) for job in jobs]
        if joint.main:
            (folder / "seen.json").write_text(json.dumps([asdict(each) for each in seen]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
