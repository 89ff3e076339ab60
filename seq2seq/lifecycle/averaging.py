"""Usable runs made of checkpoints: of a stopped run, of several steps by name, and of one step for the moment."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seq2seq import tasks
from seq2seq.errors import RunError
from seq2seq.model.actor_critic import finished_weights
from seq2seq.run import Run
from seq2seq.run.steps import folder, steps
from seq2seq.storage.checksums import described
from seq2seq.storage.folders import replacing_folder
from seq2seq.storage.tensors import save_weights
from seq2seq.tasks.models import read_tokenizers
from seq2seq.training import ema, optimisers
from seq2seq.training.checkpoints import checkpoint
from seq2seq.training.checkpoints.retention import Store
from seq2seq.training.finishing import finish
from seq2seq.training.optimisers import Optimiser

_CPU = torch.device("cpu")
# What the record of a run says of its text and its training, which holds for any of its checkpoints.
_KEPT = ("corpora", "pairs", "text", "classes", "device", "versions", "seed", "processes", "sessions", "lineage")


def finish_early(run: Run) -> Iterator[str]:
    """Give a stopped run the weights that it has reached, as its recipe makes them at the end of training, and yield
    warnings. For the holder of its lock. Raises RunError where no update is saved."""
    recipe, (model, optimiser) = run.recipe(), _parts(run)
    store = Store(run.checkpoints, recipe.training, model, optimiser, _CPU)
    loaded = store.newest()
    if loaded is None or loaded.step == 0:
        raise RunError(f"{run.path} has no update to use yet; the same `seqx train` command trains it")
    yield from (fault.message for fault in loaded.damaged)
    averages = ema.averages(optimiser, model) if recipe.training.keep == "ema" else {}
    reason = f"finished early, at step {loaded.step:,} of {recipe.training.steps:,}"
    faults = finish(run, store, loaded.state, loaded.health, averages, step=loaded.step, reason=reason)
    yield from (fault.message for fault in faults)


def average(run: Run, numbers: Sequence[int], new: Path) -> Run:
    """A new, usable run in the folder `new`: the mean of the weights of a run's checkpoints, by their steps, else as
    that run. Raises RunError where there is no such checkpoint, it is damaged, or the folder exists."""
    if new.exists():
        raise RunError(f"{new} exists already; name another folder with --to")
    weights = _mean(run, numbers)
    shown = ", ".join(f"{number:,}" for number in numbers)
    made = Run(new)
    with made.writing("name another folder with --to"), replacing_folder(new, keep=lambda name: False) as place:
        _write(run, weights, numbers, f"the mean of steps {shown} of {run.path}", place)
    return made


@contextmanager
def opened(run: Run, step: int) -> Iterator[Run]:
    """A run with the weights of one checkpoint, which is deleted at the end. Raises RunError as `average` does."""
    weights = _mean(run, [step])
    with tempfile.TemporaryDirectory(prefix="seqx-") as scratch:
        place = Path(scratch) / f"{run.path.resolve().name}-step-{step}"
        place.mkdir()
        _write(run, weights, [step], f"step {step:,} of {run.path}", place)
        yield Run(place)


def _parts(run: Run) -> tuple[nn.Module, Optimiser]:
    """The model of a run, its weights random, and its optimiser."""
    recipe = run.recipe()
    tokenizers = read_tokenizers(recipe, run.path)
    run.must_be_unchanged("tokenizer")
    model = tasks.of(recipe).model_of(run, tokenizers)
    return model, optimisers.for_recipe(recipe, model)


def _mean(run: Run, numbers: Sequence[int]) -> dict[str, Tensor]:
    """The mean of the weights of checkpoints, or of their running averages where the recipe keeps those."""
    present, averaged = steps(run.checkpoints), run.recipe().training.keep == "ema"
    for number in numbers:
        if number not in present:
            listed = ", ".join(map(str, present)) or "none"
            raise RunError(f"{run.path} has no checkpoint of step {number}; it has: {listed}")
    paths = [folder(run.checkpoints, number) for number in numbers]
    model, optimiser = _parts(run)
    if not averaged:
        for path in paths:
            checkpoint.check_weights(path, model)
        return finished_weights(model, checkpoint.average(paths))
    total: dict[str, Tensor] = {}
    for number, path in zip(numbers, paths):
        if number not in checkpoint.resumable(run.checkpoints):
            raise RunError(f"{path} has no running average any more, and the recipe keeps that: name a later step")
        checkpoint.load(path, model, optimiser, _CPU)
        for name, tensor in ema.averages(optimiser, model).items():
            total[name] = total.get(name, 0) + tensor.double() / len(paths)
    return finished_weights(model, {name: tensor.float() for name, tensor in total.items()})


def _write(run: Run, weights: dict[str, Tensor], numbers: Sequence[int], reason: str, place: Path) -> None:
    """Write a run of these weights into an empty folder."""
    if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
        raise RunError(f"{run.path}: the weights of steps {list(numbers)} are not finite; name other steps")
    copied = [run.path / "recipe.toml", *run.path.glob("tokenizer*"), *run.path.glob("test.jsonl")]
    for file in copied:
        shutil.copyfile(file, place / file.name)
    record, made = run.record(), Run(place)
    save_weights(weights, made.weights)
    known: dict[str, Any] = {key: record[key] for key in _KEPT if key in record}
    made.note(
        **known,
        finished={"time": datetime.now(UTC).isoformat(), "step": max(numbers), "reason": reason},
        weights={"made": "average", "steps": list(numbers), **described(made.weights)},
    )
    made.keep_checksums(*(file.name for file in copied if file.name != "recipe.toml"))
