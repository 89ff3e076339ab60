"""Checkpoints: folders that are whole or not there, of safetensors and JSON alone, with checksums."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from seq2seq.errors import RunError
from seq2seq.files import sha256, write_json
from seq2seq.weights import load_weights, read_weights, save_weights, weights_of


def save(
    checkpoints: Path,
    step: int,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    state: Mapping[str, Any],
    device: torch.device,
) -> Path:
    """Write checkpoints/step-N: weights, optimiser, random state, and `state` (JSON values)."""
    final = checkpoints / f"step-{step:07d}"
    partial = checkpoints / f".step-{step:07d}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        save_weights(weights_of(model), partial / "weights.safetensors")
        save_weights(_optimiser_tensors(model, optimiser) | _random_state(device), partial / "optimiser.safetensors")
        sums = {name: sha256(partial / name) for name in ("weights.safetensors", "optimiser.safetensors")}
        write_json(partial / "state.json", {**state, "step": step, "sha256": sums})
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise RunError(
            f"cannot save a checkpoint in {checkpoints}: {error.strerror or error}; the one before is whole"
        ) from error
    except SafetensorError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise RunError(f"cannot save a checkpoint in {checkpoints}: {error}; the one before is whole") from error
    handle = os.open(checkpoints, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
    return final


def steps(checkpoints: Path) -> list[int]:
    """The steps at which whole checkpoints stand, in order."""
    return sorted(
        int(folder.name.removeprefix("step-"))
        for folder in checkpoints.glob("step-*")
        if (folder / "state.json").is_file()
    )


def folder(checkpoints: Path, step: int) -> Path:
    """Where a step's checkpoint stands."""
    return checkpoints / f"step-{step:07d}"


def load(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, device: torch.device) -> dict[str, Any]:
    """Put a checkpoint into model, optimiser and random generators; returns its `state`.

    Raises RunError where a file does not have the checksum that it was written with.
    """
    try:
        state: dict[str, Any] = json.loads((path / "state.json").read_bytes())
        damaged = [name for name, wanted in state["sha256"].items() if sha256(path / name) != wanted]
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise RunError(
            f"checkpoint {path} is damaged ({error}); delete that folder to go on from the one before"
        ) from error
    if damaged:
        raise RunError(
            f"checkpoint {path} is damaged: {', '.join(damaged)} changed since it was written; delete "
            "that folder to go on from the one before"
        )
    load_weights(model, read_weights(path / "weights.safetensors"), path)
    tensors = read_weights(path / "optimiser.safetensors")
    torch.set_rng_state(tensors.pop("random.cpu"))
    accelerator = tensors.pop("random.accelerator", None)
    if accelerator is not None and device.type == "cuda":
        torch.cuda.set_rng_state(accelerator, device)
    elif accelerator is not None and device.type == "mps":
        torch.mps.set_rng_state(accelerator)
    for name, parameter in model.named_parameters():
        prefix = f"{name}/"
        kept = {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
        optimiser.state[parameter] = {key: tensor.to(device if tensor.dim() else "cpu") for key, tensor in kept.items()}
        if device.type == "cuda" and "step" in kept:
            optimiser.state[parameter]["step"] = kept["step"].to(device)
    return state


def prune(checkpoints: Path, keep: Sequence[int]) -> None:
    """Delete checkpoints but those of `keep` and the last two; only these two keep what resuming needs beside the
    weights."""
    present = steps(checkpoints)
    for step in present[:-2]:
        path = folder(checkpoints, step)
        if step in keep:
            (path / "optimiser.safetensors").unlink(missing_ok=True)
        else:
            shutil.rmtree(path)


def average(paths: Sequence[Path]) -> dict[str, Tensor]:
    """The mean of the weights of several checkpoints (section 6.1)."""
    total: dict[str, Tensor] = {}
    for path in paths:
        for name, tensor in read_weights(path / "weights.safetensors").items():
            total[name] = total[name] + tensor.double() if name in total else tensor.double()
    return {name: (tensor / len(paths)).float() for name, tensor in total.items()}


def _optimiser_tensors(model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {
        f"{name}/{key}": value
        for name, parameter in model.named_parameters()
        for key, value in optimiser.state.get(parameter, {}).items()
    }


def _random_state(device: torch.device) -> dict[str, Tensor]:
    state = {"random.cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["random.accelerator"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        state["random.accelerator"] = torch.mps.get_rng_state()
    return state
