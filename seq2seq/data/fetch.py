"""Fill a local mirror: the folder that SEQX_DATA names on machines without a connection."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from seq2seq import recipe
from seq2seq.data.corpora import SPLITS, Corpus, from_hub
from seq2seq.errors import DataError
from seq2seq.files import replacing

_LINE_END = re.compile(r"\r\n|\r|\n")


def fetch(data: recipe.Data, folder: Path, progress: Callable[[int], None] = lambda pairs: None) -> list[Path]:
    """Write a recipe's corpus from the Hugging Face Hub to `folder`/<corpus>/, where SEQX_DATA = `folder` finds it.

    Returns the files. Raises DataError: no place on the Hub in the recipe, the Hub out of reach, `folder` cannot
    be written.
    """
    if data.hub is None:
        raise DataError(
            f"corpus {data.corpus} has no place on the Hub; set data.hub.path, or put train, dev and test files for "
            f"{data.source} and {data.target} into {folder / data.corpus} yourself"
        )
    train, dev, test = (from_hub(data.hub, split) for split in SPLITS)
    return write(Corpus(data.corpus, "hub", (train,), dev, test), data, folder, progress)


def write(
    corpus: Corpus, data: recipe.Data, folder: Path, progress: Callable[[int], None] = lambda pairs: None
) -> list[Path]:
    """Write a corpus as {train,dev,test}.{source,target}, line ends within a side made blanks: all files, or none."""
    written = []
    count = 0
    try:
        with ExitStack() as stack:
            for split, texts in zip(SPLITS, (corpus.train, (corpus.dev,), (corpus.test,))):
                paths = [folder / data.corpus / f"{split}.{language}" for language in (data.source, data.target)]
                files = [stack.enter_context(replacing(path)) for path in paths]
                for text in texts:
                    for pair in text.read():
                        for file, side in zip(files, pair):
                            file.write(_LINE_END.sub(" ", side).encode("utf-8", "replace") + b"\n")
                        count += 1
                        if count % 10_000 == 0:
                            progress(count)
                written += paths
    except OSError as error:
        raise DataError(
            f"cannot write {folder / data.corpus}: {error.strerror or error}; make room there, or choose another folder"
        ) from error
    progress(count)
    return written
