"""The text of the run that a run starts from: found again, a share of it repeated, its test set not trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seq2seq import tasks
from seq2seq.data.corpus import Corpus, Given, SourceT
from seq2seq.data.lines import Reading
from seq2seq.errors import DataError
from seq2seq.recipe.files import run_of
from seq2seq.run import Run
from seq2seq.tasks.lineage import start_of
from seq2seq.tasks.task import Task
from seq2seq.training.provenance import differences


def corpus_of(run: Run) -> Corpus[Any]:
    """The text that a run was trained on, found as it was found then. Raises DataError where it is not there any more,
    or has changed."""
    record, task = run.record(), tasks.of(run.recipe())
    if "corpora" not in record:
        raise DataError(f"{run.path} does not say what it was trained on, as packs do not: give that text with --data")
    noted = record["corpora"].get("given", {})
    if record["corpora"].get("found") == "files" and not noted:
        raise DataError(
            f"{run.path} was trained on files, and its record does not say where they are (an older seqx trained it): "
            "give them with --data"
        )
    given = {
        split: Given(**{key: _paths(value) for key, value in files.items()})
        for split, files in noted.get("files", {}).items()
    }
    how = noted.get("reading", {})
    reading = Reading(**{**how, "columns": tuple(how.get("columns", ()))})
    corpus = with_start(task, task.find(given, reading))
    if different := list(differences(record["corpora"], corpus.record())):
        raise DataError(f"the text of {run.path} is not what it was trained on ({'; '.join(different)})")
    return corpus


def _paths(value: Any) -> Any:
    return tuple(map(Path, value)) if isinstance(value, list) else Path(value)


def with_start(task: Task[SourceT], corpus: Corpus[SourceT]) -> Corpus[SourceT]:
    """A corpus with the share of its start's training text that the recipe says, and without the start's test set in
    what is trained on; as it is where the recipe has no start. Raises DataError where that text is not available."""
    recipe = task.recipe
    if recipe.start is None:
        return corpus
    parent = Run(run_of(Path(start_of(recipe).run or "")))
    if parent.task == recipe.task and (parent.path / "test.jsonl").is_file():
        corpus = task.without(corpus, task.read_test(parent))
    if not recipe.data.replay:
        return corpus
    if parent.task != recipe.task:
        raise DataError(f"data.replay: {parent.path} has another task, and so text of another kind; leave it out")
    try:
        former = corpus_of(parent)
    except DataError as error:
        raise DataError(f"data.replay = {recipe.data.replay:g}: {error}") from error
    return corpus.with_former(former, recipe.data.replay, recipe.data.temperature)
