"""`seqx export`, and the export at the end of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

from . import options
from .printing import note

if TYPE_CHECKING:
    from seq2seq.data.corpus import Corpus, SourceT
    from seq2seq.run import Run
    from seq2seq.tasks.task import Task


def export(
    *, run_folder: options.RunFolder = None, format: Annotated[str, Option(help="Format: ctranslate2.")] = "ctranslate2"
) -> None:
    """Convert a model for CTranslate2, in float32 and int8, into its run folder, and check it against PyTorch on the
    test set. `seqx train` does this at its end.
    """
    if format != "ctranslate2":
        options.usage_error(f"--format {format}: there is ctranslate2")
    from seq2seq import tasks

    run = options.open_run(run_folder, "export")
    run.must_have_weights()
    with run.locked():
        run.clear()
        verified = tasks.of(run.recipe()).convert(run)
    note(f"{run.path}: {verified}")


def after_training(task: Task[SourceT], run: Run, corpus: Corpus[SourceT] | None) -> None:
    """Make the copy of a run that has just finished, checked on its dev set, or on its test set where the dev set has
    changed or there is no corpus at hand. If this fails, the run is still complete and PyTorch serves it. Raises
    RunError where the copy cannot be written."""
    from seq2seq.errors import RunError, SeqxError
    from seq2seq.training import provenance

    try:
        changed = provenance.changed(run, corpus) if corpus else {}
        for split, reason in changed.items():
            consequence = "; the CTranslate2 copy is checked on the test set of the run" if split == "dev" else ""
            note(f"NOTE: {split}: {reason}{consequence}")
        note(str(task.convert(run, corpus.dev if corpus and "dev" not in changed else None)))
    except OSError as error:
        raise RunError(
            f"cannot write the CTranslate2 copy in {run.path}: {error.strerror or error}; the model is trained: "
            "free some disk space, then re-run the same command to make the copy and the scores"
        ) from error
    except (SeqxError, RuntimeError, ValueError, MemoryError) as error:
        reason = str(error) if isinstance(error, SeqxError) else f"no CTranslate2 copy ({error}); PyTorch serves"
        note(f"NOTE: {reason}")
