"""Filling a local mirror, the folder of SEQX_DATA for machines without a connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from seq2seq.data.corpus import SPLITS, Corpus, SourceT
from seq2seq.data.hub import from_hub
from seq2seq.data.records import Kind
from seq2seq.errors import DataError
from seq2seq.storage.folders import must_be_replaceable, replacing_folder


def fetch(kind: Kind[Any, SourceT], folder: Path) -> list[Path]:
    """Write a recipe's corpus from the Hugging Face Hub to `folder`/<corpus>/, where SEQX_DATA = `folder` finds it.

    Returns the files. Raises DataError: no data.hub in the recipe, the Hub out of reach, `folder` cannot be written.
    """
    name, hub = kind.data.corpus, kind.data.hub
    if hub is None:
        raise DataError(
            f"corpus {name} has no place on the Hub; set data.hub.path, or put train, dev and test files into "
            f"{folder / name} yourself"
        )
    with _writing(folder / name):
        must_be_replaceable(folder / name)
    train, dev, test = (from_hub(kind, hub, split) for split in SPLITS)
    return write(Corpus(name, "hub", (train,), dev, test), kind, folder)


def write(corpus: Corpus[SourceT], kind: Kind[Any, SourceT], folder: Path) -> list[Path]:
    """Write a corpus in the format of its kind: all files, or none.

    Other files of the folder stay, except those that would be found instead of these. Raises DataError where they are
    aligned with a file that another text would replace.
    """
    place = folder / kind.data.corpus
    replaced = {name for split in SPLITS for name in kind.replaced(split)}
    written: list[Path] = []
    with _writing(place), replacing_folder(place, keep=lambda name: name not in replaced) as new:
        for split, sources in corpus.splits().items():
            records = chain.from_iterable(source.read() for source in sources)
            written += [place / name for name in kind.write(new, place, split, records)]
    return written


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot write {folder}: {error.strerror or error}; free some space there, or choose another folder"
        ) from error
