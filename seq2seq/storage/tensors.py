"""Weights as safetensors: no pickle, names and shapes checked."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from seq2seq.errors import ArgumentError, RunError
from seq2seq.storage.atomic import sync_folder

# Names of tensors in version 0.1.0, and those of today; in an optimiser's state, its kind follows the name.
_RENAMED = ((r"^(encoder|decoder)\.(\d+)\.", r"\1.blocks.\2."), (r"^(encoder|decoder)_norm\.", r"\1.norm."))


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """A model's weights by name; tied matrices are listed once."""
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def save_weights(weights: Mapping[str, Tensor], path: str | Path) -> None:
    """Write weights as safetensors, atomically: into a folder beside `path` first, where safetensors may leave a file
    of any name when it is killed. Raises RunError where they cannot be written, ArgumentError for values that are not
    weights, or that share memory, as those of `state_dict` do where embeddings are tied."""
    if not isinstance(weights, Mapping) or not all(isinstance(weight, Tensor) for weight in weights.values()):
        raise ArgumentError(
            f"save_weights: {type(weights).__name__} holds no weights; save_weights(weights_of(model), path)"
        )
    path = Path(path)
    scratch = path.with_name(f".{path.name}.partial")
    written = scratch / path.name
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        save_file({name: tensor.cpu().contiguous() for name, tensor in weights.items()}, written)
        # safetensors creates private files; this one gets the mode of any other file of the user.
        usual = scratch / "usual"
        usual.touch()
        shutil.copymode(usual, written)
        with written.open("rb") as file:
            os.fsync(file.fileno())
        written.replace(path)
        sync_folder(path.parent)
    except RuntimeError as error:
        if "share memory" not in str(error):
            raise
        raise ArgumentError(
            "save_weights: some weights share memory, as tied ones do; give weights_of(model)"
        ) from error
    except (SafetensorError, OSError) as error:
        raise RunError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read weights, those of older versions under today's names. Raises RunError where the file is missing or
    damaged."""
    try:
        path.open("rb").close()  # safetensors reports a file without permission as missing
        return {_current_name(name): tensor for name, tensor in load_file(path).items()}
    except PermissionError:
        raise
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path} is missing or damaged ({error}); restore it from a backup, or train again") from error


def _current_name(name: str) -> str:
    for pattern, replacement in _RENAMED:
        name = re.sub(pattern, replacement, name)
    return name


def must_fit(model: nn.Module, weights: Mapping[str, Tensor], origin: Path) -> None:
    """Raise RunError where names, types or shapes of weights are not those of a model, whose numbers are float32."""
    own = dict(model.named_parameters())
    if own.keys() != weights.keys():
        name = sorted(own.keys() ^ weights.keys())[0]
        raise RunError(f"{origin} does not hold the weights of this recipe's model: {name} is on one side only")
    for name, parameter in own.items():
        kind, shapes = weights[name].dtype, (tuple(weights[name].shape), tuple(parameter.shape))
        if kind != torch.float32 or shapes[0] != shapes[1]:
            types = ("", "") if kind == torch.float32 else (f"{str(kind).removeprefix('torch.')} ", "float32 ")
            stored, expected = (f"{type_}{shape}" for type_, shape in zip(types, shapes))
            raise RunError(
                f"{origin} does not fit this recipe's model: {name} is {stored} in the file, {expected} in the recipe"
            )


@torch.no_grad()
def load_weights(model: nn.Module, weights: Mapping[str, Tensor], origin: Path) -> None:
    """Put weights into a model. Raises RunError where names or shapes differ."""
    must_fit(model, weights, origin)
    for name, parameter in model.named_parameters():
        parameter.copy_(weights[name])
