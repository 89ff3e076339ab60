"""`seqx export`, and the export at the end of a training."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from . import options

if TYPE_CHECKING:
    from seq2seq.data.documents import Documents
    from seq2seq.data.sources import AnyCorpus
    from seq2seq.run import Run


def export(
    run: options.RunFolder = None,
    format: Annotated[str, typer.Option("--format", help="Format: ctranslate2.")] = "ctranslate2",
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Convert a model for CTranslate2, in float32 and int8, into its run folder, and check it against PyTorch on the
    test set. `seqx train` does this at its end.
    """
    if format != "ctranslate2":
        options.usage_error(f"--format {format}: there is ctranslate2")
    folder = options.open_run(run, "export", quiet=quiet)
    with folder.locked():
        folder.clear()
        made = _of_text(folder) if folder.form == "text" else _of_pairs(folder)
    options.note(f"{folder.path}: {made}", quiet=quiet)


def after_training(run: Run, corpus: AnyCorpus, *, quiet: bool) -> None:
    """Make the copy of a run that is just finished, checked on its dev set; on its test set where the dev set is no
    longer what it was. Whatever fails here, the run is whole and PyTorch serves it. Raises RunError where the copy
    cannot be written."""
    from seq2seq.data.pairs import holds_pairs
    from seq2seq.errors import RunError, SeqxError
    from seq2seq.training import provenance

    try:
        changed = provenance.changed(run, corpus)
        for split, reason in changed.items():
            told = "; the CTranslate2 copy is checked on the test set of the run" if split == "dev" else ""
            options.note(f"NOTE: {split}: {reason}{told}", quiet=quiet)
        there = "dev" not in changed
        if holds_pairs(corpus):
            options.note(_of_pairs(run, corpus.dev.read() if there else None), quiet=quiet)
        else:
            options.note(_of_text(run, corpus.dev if there else None), quiet=quiet)
    except OSError as error:
        raise RunError(
            f"cannot write the CTranslate2 copy in {run.path}: {error.strerror or error}; the model is trained: make "
            "room, and the same command makes the copy and the scores"
        ) from error
    except (SeqxError, RuntimeError, ValueError, MemoryError) as error:
        reason = str(error) if isinstance(error, SeqxError) else f"no CTranslate2 copy ({error}); PyTorch serves"
        options.note(f"NOTE: {reason}", quiet=quiet)


def _of_pairs(run: Run, sentences: Iterable[tuple[str, str]] | None = None) -> str:
    """What was made of a translator, checked on some sentences, else on its test set."""
    from seq2seq.evaluation.judge import read_set
    from seq2seq.interop.ctranslate2.convert import convert_translator
    from seq2seq.interop.ctranslate2.verify import JUDGED

    if sentences is None:
        sentences = ((each.source, each.references[0]) for each in read_set(run))
    return str(convert_translator(run, list(islice(sentences, 2 * JUDGED))))


def _of_text(run: Run, text: Documents | None = None) -> str:
    """What was made of a model of running text, checked on some text, else on its test set."""
    from seq2seq.evaluation.fluency import read_set
    from seq2seq.interop.ctranslate2.convert import convert_generator

    return str(convert_generator(run, (piece for piece, _ in (text or read_set(run)).pieces())))
