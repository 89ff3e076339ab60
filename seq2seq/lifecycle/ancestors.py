"""The runs on which a recipe stands: those of other recipes, where it names these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from seq2seq.errors import RecipeError, RunError
from seq2seq.recipe import Recipe, files
from seq2seq.run import Run, root
from seq2seq.tasks import lineage
from seq2seq.tasks.task import judged


def missing(recipe: str) -> list[str]:
    """The recipes that are to be trained before one that stands on them, in order. Raises RecipeError where a recipe
    stands on itself."""
    runs = {name: Run(root() / name) for name in _below(recipe, ())}
    return [name for name, run in runs.items() if not (run.finished and judged(run))]


def usual_start(recipe: str, run: Path) -> Path | None:
    """The run from which a recipe starts where none is named; None where the recipe names no recipe either. Raises
    RunError where it has no weights, and the folder `run` of a run of the recipe has kept none."""
    name = files.stands_on(recipe).get("start.recipe")
    if name is None:
        return None
    start = Run(root() / name)
    if start.weights.is_file():
        return start.path
    if lineage.of(Run(run)).path.is_dir():
        return lineage.of(Run(run)).path
    raise RunError(
        f"{start.path} is not trained: `seqx train --recipe {name}` first, or add --with-ancestors, or name another "
        "run with --start"
    )


def with_usual_start(recipe: str, changes: list[str] | None, say: Callable[[str], None]) -> Recipe:
    """A recipe, changed as by `files.load`, that starts from the run of the recipe on which it stands, unless a change
    names another. Raises RecipeError where it leaves its start to be named, and as `usual_start` does."""
    named = any(change.strip().startswith("start.run") for change in changes or ())
    start = None if named else usual_start(recipe, root() / files.path_of(recipe).stem)
    loaded = files.load(recipe, changes, say, start=start)
    lineage.must_be_usable(loaded)
    return loaded


def _below(recipe: str, above: tuple[str, ...]) -> Iterator[str]:
    for name in files.stands_on(recipe).values():
        if name in (*above, recipe):
            raise RecipeError(f"recipe {recipe} stands on {name}, which stands on it; name another recipe")
        yield from _below(name, (*above, recipe))
        yield name
