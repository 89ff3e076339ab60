"""The checkpoints of a run by their steps: names of folders, without reading what is in them."""

from __future__ import annotations

from pathlib import Path


def steps(checkpoints: Path) -> list[int]:
    """The steps that have a checkpoint, in order; folders with other names than `folder` returns do not count."""
    if not checkpoints.is_dir():
        return []
    # Not by a glob of both parts, which skips folders without permission.
    names = [path.name for path in checkpoints.iterdir() if (path / "state.json").is_file()]
    numbers = ((name, name.removeprefix("step-")) for name in names if name.startswith("step-"))
    return sorted(int(number) for name, number in numbers if number.isdecimal() and name_of(int(number)) == name)


def folder(checkpoints: Path, step: int) -> Path:
    """The folder of a step's checkpoint."""
    return checkpoints / name_of(step)


def name_of(step: int) -> str:
    """The name of that folder."""
    return f"step-{step:07d}"
