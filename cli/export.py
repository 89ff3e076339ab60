"""`seqx export`, and the export at the end of a training."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options

if TYPE_CHECKING:
    from seq2seq.run import Run


def export(
    run: options.RunFolder = None,
    format: Annotated[str, typer.Option("--format", help="What to make: ctranslate2.")] = "ctranslate2",
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Make the copy of a translator that CTranslate2 serves fast, in float32 and int8, into its run folder, checked
    against the PyTorch engine on the test set. A finished training has made it already.
    """
    if format != "ctranslate2":
        options.usage_error(f"--format {format}: there is ctranslate2")
    from seq2seq.evaluation.judge import read_set
    from seq2seq.export.ctranslate2 import export as make
    from seq2seq.run import open_run

    folder = open_run(run)
    made = make(folder, [(each.source, each.references[0]) for each in read_set(folder)])
    options.note(f"{folder.path}: {made}", quiet=quiet)


def after_training(run: Run, sentences: Iterable[tuple[str, str]], *, quiet: bool) -> None:
    """Make the copy of a run that is just finished. Whatever fails here, the run is whole and PyTorch serves it."""
    from seq2seq.errors import SeqxError
    from seq2seq.export.ctranslate2 import CHECKED
    from seq2seq.export.ctranslate2 import export as make

    try:
        options.note(str(make(run, list(islice(sentences, 2 * CHECKED)))), quiet=quiet)
    except (SeqxError, OSError, RuntimeError, ValueError, MemoryError) as error:
        reason = str(error) if isinstance(error, SeqxError) else f"no CTranslate2 copy ({error}); PyTorch translates"
        options.note(f"NOTE: {reason}", quiet=quiet)
