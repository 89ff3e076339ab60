"""The run of the reward model that a policy is improved by, copied into the policy's folder as a run of its own."""

from __future__ import annotations

from pathlib import Path

from seq2seq import run as runs
from seq2seq import tasks
from seq2seq.errors import RecipeError, RunError
from seq2seq.recipe import Recipe
from seq2seq.recipe.files import run_of
from seq2seq.run import Run
from seq2seq.tasks import lineage

FOLDER = "reward"  # in the run folder
_CONTROLS = ("constant", "rater")  # rewards that are no runs


def of(run: Run) -> Run:
    """The reward model's run within the folder of a policy's."""
    return Run(run.path / FOLDER)


def begin(recipe: Recipe, run: Run) -> None:
    """Copy the reward model that a recipe names into the folder of a run that has none yet. Raises RecipeError where it
    names none, RunError where it is missing, damaged, of another task or of another tokenizer than the start."""
    path = path_of(recipe)
    if path is None:
        return
    own = of(run)
    if not own.path.is_dir():
        must_be_reward_model(Run(path))
        must_share_tokenizer(Run(path), lineage.of(run))
    lineage.keep(path, own, run)
    if FOLDER not in run.record():
        run.note(**{FOLDER: lineage.entry(path, own)})


def must_be_usable(recipe: Recipe, run: Run) -> None:
    """Raise as `begin` does where a recipe needs a reward model that cannot be used, and the folder of its run has kept
    none."""
    if recipe.policy is not None and not of(run).path.is_dir() and (path := path_of(recipe)) is not None:
        must_be_reward_model(Run(path))
        must_share_tokenizer(Run(path), Run(run_of(Path(lineage.start_of(recipe).run or ""))))


def path_of(recipe: Recipe) -> Path | None:
    """The folder of the reward model of a recipe; None where it is rewarded by something else. Raises RecipeError where
    it names none."""
    settings = recipe.policy
    assert settings is not None
    if settings.reward in _CONTROLS:
        return None
    if settings.reward is not None:
        return Path(settings.reward)
    if settings.reward_recipe is not None:
        return runs.root() / settings.reward_recipe
    raise RecipeError(
        f"recipe {recipe.name} has no reward: name the run of a reward model, --set policy.reward=runs/fr-en-reward"
    )


def is_reward_model(run: Run) -> bool:
    """Whether a run is of a reward model, finished or not."""
    return run.task == "reward"


def must_be_reward_model(run: Run) -> None:
    """Raise RunError where a run is no finished reward model."""
    if not run.weights.is_file():
        raise RunError(
            f"{run.path} has no trained reward model; train it first, `seqx train --recipe {run.path.name}` (or add "
            "--with-ancestors), or name another"
        )
    if not is_reward_model(run):
        raise RunError(f"{run.path} is {tasks.named(run.task).described(run)}, not a reward model; name another")


def must_share_tokenizer(reward: Run, writer: Run) -> None:
    """Raise RunError where a reward model reads by another tokenizer than a run writes."""
    own, other = ({file.name: file.read_bytes() for file in each.path.glob("tokenizer*")} for each in (writer, reward))
    if own != other:
        raise RunError(
            f"the reward model {reward.path} has another tokenizer than {writer.path}: train one that starts from the "
            "same run"
        )
