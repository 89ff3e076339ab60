"""Runs at a glance, by their recipes and records: no torch, and no clock of the file system."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq import tasks
from seq2seq.errors import RunError, SeqxError
from seq2seq.evaluation.kept import FOLDER as EVALUATIONS
from seq2seq.run import Run, found, moment, root
from seq2seq.run.steps import steps
from seq2seq.storage import pack
from seq2seq.tasks.task import Figure


@dataclass(frozen=True)
class Summary:
    """One run. `state` is finished, stopped, in use, begun (no update is saved) or damaged."""

    name: str  # of its folder, from the folder of runs
    path: str
    state: str
    bytes: int  # of all files
    task: str = ""
    languages: str = ""  # fr-en; empty where the task has none
    parent: str = ""  # the run that it was started from
    step: int = 0  # that it has reached
    steps: int = 0  # of its recipe
    scores: tuple[Figure, ...] = ()  # on its test set, the most important first
    when: str = ""  # in UTC: when it finished, else when it was last resumed; empty where an older seqx kept no time
    problem: str = ""  # why it is damaged


def named(name: Path) -> Run:
    """The run of a path, of a name under `root()`, or in a pack. Raises RunError where there is none."""
    path = found(name)
    if path.is_file():
        return Run(pack.unpacked(path))
    if (path / "recipe.toml").is_file():
        return Run(path)
    known = ", ".join(summary.name for summary in summaries()) or "none"
    raise RunError(f"no run {name}, and no {root() / name}; there are: {known}")


def summaries(folder: Path | None = None) -> Iterator[Summary]:
    """The runs under a folder, by default `root()`, and those of sweeps one level deeper, by name."""
    folder = folder or root()
    runs = {*folder.glob("*/recipe.toml")}
    swept = [path for path in folder.glob("*/*/recipe.toml") if path.parents[1] / "recipe.toml" not in runs]
    for path in sorted([*runs, *swept]):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield summary(Run(path.parent), path.parent.relative_to(folder).as_posix())


def summary(run: Run, name: str = "") -> Summary:
    """One run at a glance, whatever state it is in."""
    name, size = name or run.path.name, _size(run.path)
    try:
        return _summary(run, name, size)
    except (SeqxError, OSError) as error:
        return Summary(name, str(run.path), "damaged", size, problem=str(error))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return Summary(name, str(run.path), "damaged", size, problem=f"{run.path / 'run.json'} is damaged: {error!r}")


def _summary(run: Run, name: str, size: int) -> Summary:
    recipe, record, saved = run.recipe(), run.record(), steps(run.checkpoints)
    data, finished = recipe.data, record.get("finished", {})
    step = finished["step"] if finished else max(saved, default=0)
    state = "finished" if finished else "stopped" if step else "begun"
    if run.owner() is not None:
        state = "in use"
    time = moment(finished.get("time") or (record.get("sessions") or [{}])[-1].get("time"))
    judged, lineage = scores_of(record), record.get("lineage")
    return Summary(
        name,
        str(run.path),
        state,
        size,
        recipe.task,
        f"{data.source}-{data.target}" if recipe.serves == "translation" else "",
        Path(lineage[0]["run"]).name if lineage else "",
        step,
        recipe.training.steps,
        tuple(tasks.of(recipe).figures(judged)) if judged else (),
        time.isoformat(timespec="seconds") if time else "",
    )


def scores_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of a run on its own test set: of the end of training, else of the newest `seqx evaluate`."""
    if test := record.get("scores", {}).get("test"):
        return dict(test)
    own = [each for each in record.get(EVALUATIONS, {}).values() if each["set"] == "test" and not each["files"]]
    return dict(max((each for each in own if "checkpoint" not in each), key=lambda each: each["time"], default={}))


def _size(path: Path) -> int:
    return sum(os.lstat(Path(here) / name).st_size for here, _, names in os.walk(path) for name in names)
