"""Where a corpus comes from, of whatever kind its records are: files of the user, the local mirror, the Hub, or what
ships with seqx, in this order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from seq2seq.data import hub
from seq2seq.data.corpus import SPLITS, Corpus, FoundIn, Given, SourceT, SplitName
from seq2seq.data.lines import PLAIN, Reading
from seq2seq.data.records import Kind
from seq2seq.errors import DataError
from seq2seq.storage.folders import folder_at


def find(
    kind: Kind[Any, SourceT], given: Mapping[SplitName, Given] | None = None, *, reading: Reading = PLAIN
) -> Corpus[SourceT]:
    """The corpus of a recipe: the user's files, else $SEQX_DATA, else the Hub. Raises MissingCorpusError where it is
    in none of these.

    Dev and test text that the user does not name, or a folder under $SEQX_DATA does not hold, is held out of the
    training text (`Kind.hold_out`). Raises DataError where files, or SEQX_DATA, were named and cannot be used, or a
    split shows nothing.
    """
    data = kind.data
    given = {split: files for split, files in (given or {}).items() if files}
    if given:
        corpus = _corpus(kind, "files", "files", _from_files(kind, given, reading))
        return replace(corpus, given=_recorded(given, reading))
    if reading.columns:
        raise DataError(f"--columns {','.join(reading.columns)} is for tables given by --data, and there is none")
    if splits := kind.bundled():
        return Corpus(data.corpus, "bundled", (splits["train"],), splits["dev"], splits["test"])
    if splits := _from_mirror(kind, reading):
        return _corpus(kind, data.corpus, "mirror", splits)
    return _corpus(kind, data.corpus, "hub", hub.every_split(kind))


def _recorded(given: Mapping[SplitName, Given], reading: Reading) -> dict[str, Any]:
    """The user's files and how they are read, for run.json."""
    named = {
        split: {
            key: [str(path.absolute()) for path in value] if isinstance(value, tuple) else str(value.absolute())
            for key, value in vars(files).items()
            if value
        }
        for split, files in given.items()
    }
    return {"files": named, "reading": asdict(reading)}


def _corpus(
    kind: Kind[Any, SourceT], name: str, found: FoundIn, splits: Mapping[SplitName, SourceT]
) -> Corpus[SourceT]:
    for split in SPLITS:
        source = splits[split]
        if kind.is_empty(source):
            blank = kind.blank if any(True for _ in source.read()) else ""
            raise DataError(
                f"{source.origin}: no {kind.noun} for {split}{blank}; give more text{kind.enough}, or files of its own "
                f"for {split}"
            )
    return Corpus(name, found, (splits["train"],), splits["dev"], splits["test"])


def _from_files(
    kind: Kind[Any, SourceT], given: Mapping[SplitName, Given], reading: Reading
) -> dict[SplitName, SourceT]:
    splits = {split: kind.given(split, files, reading) for split, files in given.items()}
    if "train" not in splits:
        raise DataError(f"files were given for {' and '.join(splits)}, none to train on: give {kind.files_option}")
    for split in SPLITS[1:]:
        if split in splits:
            splits[split].checksum()  # reads it: what cannot be read is said now, not after hours of training
    return _complete(kind, splits)


def _complete(kind: Kind[Any, SourceT], splits: dict[SplitName, SourceT]) -> dict[SplitName, SourceT]:
    """The splits, those that are missing held out of the training text."""
    missing = [split for split in SPLITS if split not in splits]
    return {**splits, **kind.hold_out(splits["train"], missing)} if missing else splits


def _from_mirror(kind: Kind[Any, SourceT], reading: Reading) -> dict[SplitName, SourceT] | None:
    """The splits of a corpus that has a folder under $SEQX_DATA. Raises DataError where SEQX_DATA leads nowhere, or the
    folder has no text to train on."""
    root, name = os.environ.get("SEQX_DATA"), kind.data.corpus
    if not root:
        return None
    if not Path(root).is_dir():
        raise DataError(f"SEQX_DATA = {root} is not a folder; set it to the one that holds {name}/, or unset it")
    folder = folder_at(Path(root) / name)
    if not folder.is_dir():
        return None
    splits = {split: source for split in SPLITS if (source := kind.mirrored(folder, split, reading)) is not None}
    if "train" not in splits:
        raise DataError(
            f"{folder} (under SEQX_DATA) lacks {', or '.join(kind.mirror_names('train'))}; fill it with `seqx data get`"
        )
    return _complete(kind, splits)
