"""Tasks, the kinds of run: everything that depends on one is in its module here. Importing this imports no torch."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.errors import RunError
from seq2seq.run import Run, found, refuse_strange_files, root

if TYPE_CHECKING:
    from seq2seq.recipe import Recipe
    from seq2seq.tasks.task import Task

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)

COMMANDS: dict[str, tuple[str, ...]] = {  # for finished runs of a task, besides those for every run
    "translation": ("translate", "score", "rate"),
    "language-model": ("generate",),
    "classification": ("classify",),
    "masked-language-model": (),
    "conversation": ("chat", "generate", "rate"),
    "reward": ("score",),
}
_IMPROVING = ("policy", "preference")  # tasks whose finished runs serve as their starts do


def named(name: str) -> type[Task[Any]]:
    """The task of a recipe's `task`."""
    match name:
        case "translation":
            from seq2seq.tasks.translation import Translation

            return Translation
        case "language-model":
            from seq2seq.tasks.language_model import LanguageModel

            return LanguageModel
        case "classification":
            from seq2seq.tasks.classification import Classification

            return Classification
        case "masked-language-model":
            from seq2seq.tasks.masked_language_model import MaskedLanguageModel

            return MaskedLanguageModel
        case "conversation":
            from seq2seq.tasks.conversation import Conversations

            return Conversations
        case "policy":
            from seq2seq.tasks.policy import Policy

            return Policy
        case "reward":
            from seq2seq.tasks.reward import Reward

            return Reward
        case "preference":
            from seq2seq.tasks.preference import Preference

            return Preference
        case _:
            raise RunError(f"no task {name!r:.40}; there are: {', '.join(COMMANDS)}")


def of(recipe: Recipe) -> Task[Any]:
    """The task of a recipe."""
    return named(recipe.task)(recipe)


def serving(run: Run) -> str:
    """The task as which a finished run serves: that of its recipe, or of its start where it is a policy."""
    return run.recipe().serves if run.task in _IMPROVING else run.task


def offering(command: str) -> list[str]:
    """The tasks whose runs a command accepts; empty where it accepts any run."""
    return [name for name, commands in COMMANDS.items() if command in commands]


def must_offer(run: Run, command: str) -> None:
    """Raise RunError, naming the right command, where a command does not accept the task of a run."""
    able = offering(command)
    if able and (task := serving(run)) not in able:
        own, other = named(run.task).described(run), named(able[0]).noun
        used = COMMANDS[task][0] if COMMANDS.get(task) else "evaluate"
        raise RunError(f"{run.path} is {own}, not a {other}: use `seqx {used} --run {run.path}`")


def open_run(path: Path | None, command: str = "translate") -> Run:
    """The run of a path or of a name under `root()`, a folder or a pack; without one, the newest finished run there
    whose task offers a command.

    Raises RunError, saying what to type, where there is none or the one at the path is of another task.
    """
    able = offering(command)
    if path is not None:
        run = Run(found(Path(path)))
        path = run.path
        if path.is_file():
            from seq2seq.storage import pack

            run = Run(path := pack.unpacked(path))
        if not path.is_dir():
            raise RunError(f"no run folder {path}; `seqx train --recipe {_usual_recipe(able)} --run {path}` makes one")
        refuse_strange_files(path)
        if not run.weights.is_file() and not run.packed:
            run.recipe()  # says so where it is no run folder at all
            raise RunError(f"{path}: training is not finished; re-run the same `seqx train` command to resume")
        must_offer(run, command)
        return run
    trained = [run for run in map(Run, sorted(root().glob("*"))) if run.weights.is_file()]
    for run in sorted(trained, key=_finished_at, reverse=True):
        if run.finished and (not able or serving(run) in able):
            refuse_strange_files(run.path)
            return run
    remedy = f"make one with `seqx train --recipe {_usual_recipe(able)}`, or name one with --run"
    raise RunError(f"no trained model under {root()}/ to {command} with; {remedy}")


def _usual_recipe(able: list[str]) -> str:
    return named((able or list(COMMANDS))[0]).usual_recipe


def _finished_at(run: Run) -> datetime:
    """When a run was finished, by its record alone: copying a folder changes the times of its files. Runs without a
    time on record come before all others."""
    try:
        return run.finished_at() or _BEFORE_ALL
    except (RunError, OSError):
        return _BEFORE_ALL
