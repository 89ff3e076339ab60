"""`seqx finish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from . import options
from .printing import note


def finish(
    *,
    run_folder: Annotated[Path, Option("--run", help="Run folder, or its name under runs/ (or $SEQX_RUNS).")],
    device: options.Device = "auto",
    threads: options.Threads = None,
) -> None:
    """Make a stopped run usable as it stands: its checkpoints are averaged as its recipe says, the model is copied for
    CTranslate2 and judged on its test set, as at the end of training. The training text is not needed.
    """
    from seq2seq import device as devices
    from seq2seq.lifecycle import averaging, summaries
    from seq2seq.measure.devices import attempt
    from seq2seq.tasks.task import judged

    from .train import conclude

    run = summaries.named(run_folder)
    recipe = run.recipe()
    choice = devices.choose(device, recipe.training.precision, attempt(recipe))
    with run.locked():
        if not run.finished:
            run.clear()
            for warning in averaging.finish_early(run):
                note(f"WARNING: {warning}")
            note(f"{run.path}: {run.record()['finished']['reason']}")
        conclude(recipe, None, run, None if judged(run) else choice)
