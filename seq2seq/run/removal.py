"""Deleting a run, or its checkpoints: what would be lost is counted first."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from seq2seq.errors import RunError
from seq2seq.run.folder import Run
from seq2seq.run.steps import steps
from seq2seq.storage.atomic import partial_of


@dataclass(frozen=True)
class Loss:
    """What deleting takes."""

    weights: bool  # the weights to use; or checkpoints that are the only weights
    checkpoints: int
    files: int
    bytes: int


def loss(run: Run, *, checkpoints_only: bool = False) -> Loss:
    """What `remove` would take."""
    place = run.checkpoints if checkpoints_only else run.path
    sizes = [os.lstat(Path(here) / name).st_size for here, _, names in os.walk(place) for name in names]
    saved = len(steps(run.checkpoints))
    only = checkpoints_only and not run.weights.is_file() and saved > 0
    return Loss(only if checkpoints_only else run.weights.is_file() or saved > 0, saved, len(sizes), sum(sizes))


def remove(run: Run, *, checkpoints_only: bool = False) -> None:
    """Delete a run, or its checkpoints: renamed first, so that half a run never counts as one. Raises RunError where
    another process uses it, it is no run folder, or it is a link."""
    place = run.checkpoints if checkpoints_only else run.path
    for link in (run.path, place):
        if link.is_symlink():
            raise RunError(f"{link} is a link; delete it, or name the folder that it leads to: {link.resolve()}")
    if not (run.path / "recipe.toml").is_file():
        raise RunError(f"{run.path} is not a run folder: it has no recipe.toml")
    with run.locked(), run.writing("change its permissions"):
        if place.is_dir():
            gone = partial_of(place)
            place.rename(gone)
            shutil.rmtree(gone)
