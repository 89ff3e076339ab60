"""The run that a command takes: the one that is named, or the newest that can do what is asked."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from seq2seq.errors import RunError
from seq2seq.run.folder import Run
from seq2seq.run.untrusted import refuse_strange_files

_FORMS = {"translate": "pairs", "score": "pairs", "generate": "text"}  # what a model must have learnt from


def root() -> Path:
    """Where runs live: $SEQX_RUNS, else `runs` here."""
    return Path(os.environ.get("SEQX_RUNS") or "runs")


def _finished(run: Run) -> str:
    """When a run was finished, so that later ones sort behind: by its record, since a copied folder has new times of
    files; by them where the record is older than that, or damaged."""
    with suppress(RunError, OSError):
        finished = run.record().get("finished")
        if isinstance(finished, dict) and isinstance(finished.get("time"), str):
            return str(finished["time"])
    seconds = run.weights.stat().st_mtime
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f"{seconds % 1:.6f}"[1:]


def open_run(path: Path | None, kind: str = "translate") -> Run:
    """The run at a path, or the newest finished one under `root()` that can do what `kind` says: translate, score,
    generate; whatever else, any can.

    Raises RunError where there is none, or the one at the path is of another kind, saying what to type.
    """
    form = _FORMS.get(kind)
    recipe = "gpt-shakespeare" if form == "text" else "fr-en"
    if path is not None:
        run = Run(path)
        path = run.path
        if path.is_file():
            raise RunError(f"{path} is a file, not a run folder; name the folder that `seqx train` made")
        if not path.is_dir():
            raise RunError(f"no run folder {path}; `seqx train --recipe {recipe} --run {path}` makes one")
        refuse_strange_files(path)
        if not run.weights.is_file():
            run.recipe()  # says so where it is no run folder at all
            raise RunError(f"{path} is not trained to its end; go on with the `seqx train` command that began it")
        if form:
            run.must_be_of(form)
        return run
    trained = [run for run in map(Run, sorted(root().glob("*"))) if run.weights.is_file()]
    for run in sorted(trained, key=_finished, reverse=True):
        if run.finished and form in (None, run.form):
            refuse_strange_files(run.path)
            return run
    raise RunError(
        f"no trained model under {root()}/ to {kind} with; make one with `seqx train --recipe {recipe}`, or name one "
        "with --run"
    )
