"""A finished run trained longer: its schedule begins again from the last checkpoint, in the same folder."""

from __future__ import annotations

from typing import Any

from seq2seq.errors import RunError
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.storage.atomic import write_bytes
from seq2seq.training.checkpoints import checkpoint

_OF_RESULT = ("finished", "scores", "before", "forgetting", "ctranslate2")  # of the record, made anew


def is_being_extended(run: Run) -> bool:
    """Whether a run was begun to be trained longer, and that is not finished. Raises RunError where it was not finished
    before either, or is no run."""
    if not run.path.is_dir():
        raise RunError(f"no run folder {run.path}; --more trains a finished run longer: name it with --run")
    finished, begin = run.record().get("finished"), run.recipe().training.begin
    if not finished and not begin:
        raise RunError(f"{run.path}: training is not finished; re-run the command that began it, without --more")
    return not finished or begin == finished["step"]


def last_stage(recipe: Recipe) -> Recipe:
    """The recipe of the last stage of a run, as if it were the first."""
    training = recipe.training
    return recipe.with_values({"training": {"steps": training.steps - training.begin, "begin": 0}})


def extended(run: Run, stage: Recipe) -> Recipe:
    """The recipe of a finished run that is trained for the updates of a stage more. Raises RunError where its last
    checkpoint is not there any more."""
    last = run.record()["finished"]["step"]
    if checkpoint.resumable(run.checkpoints)[-1:] != [last]:
        raise RunError(
            f"{run.checkpoints} lacks step-{last:07d}, from which training would continue; begin a new run from its "
            f"weights: seqx train --recipe finetune --start {run.path}"
        )
    return stage.with_values({"training": {"steps": last + stage.training.steps, "begin": last}})


def begin(run: Run, recipe: Recipe) -> None:
    """Make a finished run one that is trained further by a recipe of `extended`; its results so far are kept in the
    record, as `stages`. The model stays usable meanwhile. Only for the holder of the lock."""

    def moved(record: dict[str, Any]) -> dict[str, Any]:
        results = {key: record[key] for key in (*_OF_RESULT, "weights") if key in record}
        others = {key: value for key, value in record.items() if key not in _OF_RESULT}
        return {**others, "stages": [*record.get("stages", []), results]}

    with run.writing():
        write_bytes(run.path / "recipe.toml", recipe.to_toml().encode())
    if "finished" in run.record():
        run.update(moved)
