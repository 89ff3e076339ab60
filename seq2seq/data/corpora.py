"""Several corpora of sentence pairs, trained on together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from seq2seq.data import sources
from seq2seq.data.cleaning import Cleaner
from seq2seq.data.corpus import Corpus, Given, Group, SplitName
from seq2seq.data.lines import PLAIN, Reading
from seq2seq.data.pairs import PairKind, PairSource
from seq2seq.errors import MissingCorpusError
from seq2seq.recipe import Cleaning, Data, NamedCorpus


def find(data: Data, reading: Reading = PLAIN) -> Corpus[PairSource]:
    """The corpora of a recipe as one, each looked for by itself as `sources.find` does; dev and test have the kinds of
    text that are judged, by name.

    Corpora that are not available are left out (`Corpus.missing`). Raises MissingCorpusError where none that is judged
    is available, DataError where one is and cannot be used.
    """
    corpora: list[tuple[NamedCorpus, Corpus[PairSource]]] = []
    missing: list[str] = []
    for named in data.corpora:
        try:
            corpora.append((named, _one(data, named, reading)))
        except MissingCorpusError as error:
            missing.append(str(error))
    judged = [(named.name, corpus) for named, corpus in corpora if named.judged]
    if not judged:
        names = ", ".join(named.name for named in data.corpora if named.judged)
        several = f"none of the corpora {names} is available: for example, " if len(missing) > 1 else ""
        raise MissingCorpusError(f"{several}{missing[0]}")
    return Corpus(
        " + ".join(name for name, _ in judged),
        judged[0][1].found,
        tuple(source for _, corpus in corpora for source in corpus.train),
        PairSource.of_kinds([(name, corpus.dev) for name, corpus in judged]),
        PairSource.of_kinds([(name, corpus.test) for name, corpus in judged]),
        tuple(named.share for named, _ in corpora),
        tuple(missing),
    )


def kind_of(data: Data, named: NamedCorpus) -> PairKind:
    """The pairs of one of several corpora."""
    return PairKind(data.model_copy(update={"corpus": named.name, "hub": named.hub, "corpora": ()}))


def _one(data: Data, named: NamedCorpus, reading: Reading) -> Corpus[PairSource]:
    kind = kind_of(data, named)
    files: dict[SplitName, tuple[str, ...]] = {
        "train": named.files,
        "dev": named.dev_files,
        "test": named.test_files,
    }
    # Nothing is held out where nothing is judged: one pair is enough.
    given = {split: _given(paths or (() if named.judged else named.files)) for split, paths in files.items()}
    corpus = sources.find(kind, given, reading=reading if named.files else PLAIN)
    train = corpus.train[0]
    if not named.judged:
        train = train.whole or train  # nothing needs to be held out
    train, dev, test = (replace(text, tag=named.tag) for text in (train.first(named.pairs), corpus.dev, corpus.test))
    cleaning = data.cleaning if named.cleaning is None else named.cleaning
    return replace(corpus, train=(clean(train, cleaning, data),), dev=dev, test=test)


def clean(pairs: PairSource, cleaning: Cleaning | Literal[False] | None, data: Data) -> PairSource:
    """The pairs without those that cleaning drops; as they are where there is none."""
    return Cleaner(pairs, cleaning, data.source, data.target).source() if cleaning else pairs


def _given(files: Sequence[str]) -> Given:
    if len(files) == 2:
        return Given(Path(files[0]), Path(files[1]))
    return Given(data=tuple(map(Path, files)))


def mixture(corpus: Corpus[Any], sizes: Sequence[int], temperature: float = 1.0) -> list[float]:
    """The shares of a corpus's training sources in what is trained on, 1 in all, given their sizes; a group of sources
    that is empty leaves its share to the others."""
    weights: list[float] = []
    fixed = corpus.shares or (None,) * len(sizes)
    for count, share, own_temperature in corpus.groups or (Group(len(sizes), 1.0, temperature),):
        part = slice(len(weights), len(weights) + count)
        inner = shares(sizes[part], fixed[part], own_temperature) if any(sizes[part]) else [0.0] * count
        weights += [share * each for each in inner]
    return [weight / sum(weights) for weight in weights] if corpus.groups else weights


def shares(sizes: Sequence[int], fixed: Sequence[float | None], temperature: float) -> list[float]:
    """The shares of several corpora in what is trained on, 1 in all, given their sizes in pairs. What the fixed shares
    leave is for the others, in proportion to size^(1 / temperature); where no others are left, the fixed ones grow in
    proportion. A corpus without pairs has no share."""
    kept = [share if size else 0.0 for size, share in zip(sizes, fixed)]
    largest = max(sizes)
    by_size = [(size / largest) ** (1 / temperature) if share is None else 0.0 for size, share in zip(sizes, kept)]
    left = 1 - sum(share or 0.0 for share in kept)
    weights = [left * weight / sum(by_size) if share is None else share for share, weight in zip(kept, by_size)]
    return [weight / sum(weights) for weight in weights]
