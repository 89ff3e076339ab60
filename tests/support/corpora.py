"""Corpora of pairs and of running text, found as the commands find them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from seq2seq.data import sources
from seq2seq.data.corpus import Corpus, Given, SplitName
from seq2seq.data.documents import DocumentKind, Documents
from seq2seq.data.lines import PLAIN, Reading
from seq2seq.data.pairs import PairKind, PairSource
from seq2seq.recipe import Data


def find_pairs(
    data: Data, given: Mapping[SplitName, Given] | None = None, *, reading: Reading = PLAIN
) -> Corpus[PairSource]:
    """The sentence pairs of a recipe."""
    return sources.find(PairKind(data), given, reading=reading)


def find_text(
    data: Data, files: Mapping[SplitName, Sequence[Path]] | None = None, *, reading: Reading = PLAIN
) -> Corpus[Documents]:
    """The running text of a recipe."""
    given = {split: Given(data=tuple(paths)) for split, paths in (files or {}).items()}
    return sources.find(DocumentKind(data), given, reading=reading)


def pair_file(path: Path, data: Data, reading: Reading = PLAIN) -> PairSource:
    """The pairs of one file."""
    return PairKind(data).file(path, reading)


def text_files(paths: Sequence[Path], data: Data, reading: Reading = PLAIN) -> Documents:
    """The documents of files."""
    return DocumentKind(data).files(paths, reading)


def held_out(pairs: PairSource, splits: Sequence[SplitName] = ("dev", "test")) -> dict[SplitName, PairSource]:
    """Pairs parted for training, validation and test."""
    return PairKind(Data()).hold_out(pairs, splits)
