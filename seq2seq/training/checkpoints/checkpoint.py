"""Checkpoints: atomic folders of safetensors and JSON only, with checksums."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from seq2seq.device import random_state, set_random_state
from seq2seq.errors import RunError
from seq2seq.run.steps import folder as folder
from seq2seq.run.steps import name_of
from seq2seq.run.steps import steps as steps
from seq2seq.storage.atomic import sync_folder, write_json
from seq2seq.storage.checksums import checksum_of, sha256
from seq2seq.storage.reading import read_json
from seq2seq.storage.tensors import load_weights, must_fit, read_weights, save_weights, weights_of
from seq2seq.training import ema
from seq2seq.training.optimisers import Optimiser
from seq2seq.training.parallel.team import ALONE, Team

WEIGHTS, _OPTIMISER = "weights.safetensors", "optimiser.safetensors"
_SOURCE = "source."  # prefix of the names of its tensors
_FLOAT32 = 4  # bytes
_OVERHEAD = 1 << 24  # bytes of a file besides its tensors' numbers: names, shapes, random state, tensors of the source


class DamagedCheckpoint(RunError):
    """A checkpoint whose files are not those that were written."""


def save(
    checkpoints: Path,
    step: int,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    state: Mapping[str, Any],
    device: torch.device,
    team: Team = ALONE,
    source: Mapping[str, Tensor] = MappingProxyType({}),
) -> Path:
    """Write checkpoints/step-N: weights, optimiser, random state, tensors of the source, and `state` (JSON values),
    and delete the damaged one of this step, if any. All processes of a team take part; the first one writes."""
    final = folder(checkpoints, step)
    weights, moments = team.gather(weights_of(model)), team.gather(_optimiser_tensors(model, optimiser))
    if not team.main:
        return final
    partial = checkpoints / f".{final.name}.partial"
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        save_weights(weights, partial / WEIGHTS)
        sources = {_SOURCE + name: tensor for name, tensor in source.items()}
        save_weights({**moments, **random_state(device), **sources}, partial / _OPTIMISER)
        sums = {name: sha256(partial / name) for name in (WEIGHTS, _OPTIMISER)} | {"state": checksum_of(state)}
        write_json(partial / "state.json", {**state, "step": step, "sha256": sums})
        sync_folder(partial)
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
        sync_folder(checkpoints)
        shutil.rmtree(_aside(final), ignore_errors=True)
    except (OSError, RunError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        reason = (error.strerror or error) if isinstance(error, OSError) else error
        raise RunError(
            f"cannot save a checkpoint in {checkpoints}: {reason}; the one before is intact: free some disk "
            "space, and the same command resumes from there"
        ) from error
    return final


def resumable(checkpoints: Path) -> list[int]:
    """The steps of checkpoints that training can resume from, in order: those that kept their optimiser."""
    return [step for step in steps(checkpoints) if (folder(checkpoints, step) / _OPTIMISER).is_file()]


def state_of(path: Path, files: Sequence[str] = ()) -> dict[str, Any]:
    """The `state` of a checkpoint, after a check of some of its files. Raises DamagedCheckpoint."""
    try:
        state: dict[str, Any] = read_json(path / "state.json")
        sums = state.pop("sha256")
        damaged = [name for name in files if sha256(path / name) != sums[name]]
        written = {key: value for key, value in state.items() if key != "step"}
        if sums.get("state", checksum_of(written)) != checksum_of(written):
            damaged.append("state.json")
        if name_of(state["step"]) != path.name:
            raise ValueError(f"it is of step {state['step']}")
    except PermissionError:
        raise  # not damaged: it must not be set aside
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise DamagedCheckpoint(f"checkpoint {path} is damaged ({error})") from error
    if damaged:
        raise DamagedCheckpoint(f"checkpoint {path} is damaged: {', '.join(damaged)} changed since it was written")
    return state


def load(
    path: Path, model: nn.Module, optimiser: Optimiser, device: torch.device, team: Team = ALONE
) -> dict[str, Any]:
    """Put a checkpoint into model, optimiser and random generators; returns its `state`, in which
    "source" has the tensors of the source too.

    Raises DamagedCheckpoint where a file has another checksum than when it was written, or not the tensors that this
    model and this optimiser need; files that are too large are not read.
    """
    own = dict(model.named_parameters())
    shapes = {name: {**optimiser.state_shapes(weight), ema.KEY: tuple(weight.shape)} for name, weight in own.items()}
    _must_be_small(path / WEIGHTS, (weight.shape for weight in own.values()))
    _must_be_small(path / _OPTIMISER, (shape for kept in shapes.values() for shape in kept.values()))
    state = state_of(path, (WEIGHTS, _OPTIMISER))
    try:
        weights, tensors = read_weights(path / WEIGHTS), read_weights(path / _OPTIMISER)
        must_fit(model, weights, path / WEIGHTS)
        kept = _kept(tensors, shapes)
        set_random_state(tensors, device)
    except (RunError, RuntimeError, ValueError, TypeError, KeyError) as error:
        raise DamagedCheckpoint(f"checkpoint {path} is damaged ({error})") from error
    load_weights(model, {name: team.shard(tensor, own[name]) for name, tensor in weights.items()}, path)
    for name, parameter in own.items():
        optimiser.state[parameter] = {
            key: team.shard(tensor.to(device), parameter) if tensor.dim() else tensor
            for key, tensor in kept[name].items()
        }
        if device.type == "cuda" and "step" in kept[name]:
            optimiser.state[parameter]["step"] = kept[name]["step"].to(device)
    source = {name.removeprefix(_SOURCE): tensor for name, tensor in tensors.items() if name.startswith(_SOURCE)}
    return {**state, "source": {**state.get("source", {}), **source}}


def set_aside(path: Path) -> Path:
    """Rename a damaged checkpoint so that it is no longer used; returns its new path."""
    shutil.rmtree(_aside(path), ignore_errors=True)
    return path.rename(_aside(path))


def prune(checkpoints: Path, whole: Sequence[int], weights: Sequence[int]) -> None:
    """Delete checkpoints but those of the steps `whole`; of the steps `weights`, only the optimiser is deleted."""
    for step in steps(checkpoints):
        path = folder(checkpoints, step)
        if step in whole:
            continue
        if step in weights:
            (path / _OPTIMISER).unlink(missing_ok=True)
        else:
            remove(path)


def remove(path: Path) -> None:
    """Delete a checkpoint; it is renamed first, so that half of one does not count as one."""
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    path.rename(partial)
    shutil.rmtree(partial)


def check_weights(path: Path, model: nn.Module) -> None:
    """Raises DamagedCheckpoint where a checkpoint's weights are not those that were written, or do not fit a model."""
    _must_be_small(path / WEIGHTS, (weight.shape for weight in model.parameters()))
    state_of(path, [WEIGHTS])
    try:
        must_fit(model, read_weights(path / WEIGHTS), path / WEIGHTS)
    except RunError as error:
        raise DamagedCheckpoint(f"checkpoint {path} is damaged ({error})") from error


def average(paths: Sequence[Path]) -> dict[str, Tensor]:
    """The mean of the weights of several checkpoints, which the caller has checked (section 6.1)."""
    total: dict[str, Tensor] = {}
    for path in paths:
        for name, tensor in read_weights(path / WEIGHTS).items():
            total[name] = total[name] + tensor.double() if name in total else tensor.double()
    return {name: (tensor / len(paths)).float() for name, tensor in total.items()}


def _aside(path: Path) -> Path:
    return path.with_name(f"damaged-{path.name}")


def _optimiser_tensors(model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {
        f"{name}/{key}": value
        for name, parameter in model.named_parameters()
        for key, value in optimiser.state.get(parameter, {}).items()
    }


def _must_be_small(file: Path, shapes: Iterable[Sequence[int]]) -> None:
    """Raise DamagedCheckpoint, before it is read, where a file is larger than tensors of these shapes can be."""
    limit = _FLOAT32 * sum(map(math.prod, shapes)) + _OVERHEAD
    if file.is_file() and file.stat().st_size > limit:
        raise DamagedCheckpoint(
            f"checkpoint {file.parent} is damaged: {file.name} has {file.stat().st_size:,} bytes, and this recipe's up "
            f"to {limit:,}"
        )


def _kept(
    tensors: Mapping[str, Tensor], shapes: Mapping[str, Mapping[str, tuple[int, ...]]]
) -> dict[str, dict[str, Tensor]]:
    """The optimiser's state of each weight, by the weight's name: all tensors of these shapes, perhaps without a
    running average, or none. Raises ValueError for anything else."""
    states: dict[str, dict[str, Tensor]] = {}
    for name, fitting in shapes.items():
        prefix = f"{name}/"
        kept = {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
        if kept and fitting.keys() != kept.keys() | {ema.KEY}:
            raise ValueError(f"{_OPTIMISER} has {', '.join(sorted(kept))} of {name}: another optimiser's")
        for key, tensor in kept.items():
            if tensor.dtype != torch.float32 or tensor.shape != fitting[key]:
                raise ValueError(f"{_OPTIMISER}: {prefix}{key} is {tensor.dtype}, {tuple(tensor.shape)}")
        states[name] = kept
    return states
