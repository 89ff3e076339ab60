"""A corpus: training, dev and test records, each a source that can be read any number of times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, NamedTuple, Self, TypeVar

SplitName = Literal["train", "dev", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "dev", "test")

Record = TypeVar("Record")
Checksum = Callable[[], str]


@dataclass(frozen=True)
class Source(Generic[Record]):
    """Records of one kind that can be read any number of times, and their origin.

    `checksum` is of the records in the order in which they are read, whatever the files, their columns and formats.
    `files` has the checksums of the files, where these differ.
    """

    records: ClassVar[str] = "records"

    origin: str
    read: Callable[[], Iterator[Record]]
    checksum: Checksum
    files: Checksum | None = None
    whole: Self | None = None  # the source that this one is part of
    lines: Callable[[], Iterator[tuple[int, Record]]] | None = None  # the records, with their numbers in that source

    def numbered(self) -> Iterator[tuple[int, Record]]:
        """The records with their numbers, counted from 1, in the text as the user has it."""
        return self.lines() if self.lines else enumerate(self.read(), start=1)

    def file_checksum(self) -> str:
        """The checksums of the files; of the records where there are no files."""
        return (self.files or self.checksum)()

    def first(self, count: int) -> Self:
        """Only the first records; all where `count` is 0."""
        if not count:
            return self
        return replace(
            self,
            origin=f"{self.origin}, first {count:,}",
            read=lambda: islice(self.read(), count),
            checksum=lambda: f"{self.checksum()} first {count}",
            lines=None if self.lines is None else lambda: islice(self.numbered(), count),
        )

    def record(self) -> dict[str, Any]:
        """For the run's record."""
        return {"origin": self.origin, "sha256": self.file_checksum(), "content": self.checksum()}


SourceT = TypeVar("SourceT", bound=Source[Any])
FoundIn = Literal["files", "mirror", "hub", "bundled", "overfit"]


class Group(NamedTuple):
    """Some training sources of a corpus, in their order, that were found together."""

    sources: int  # how many
    share: float  # of what is trained on
    temperature: float = 1.0  # of those without a share of their own, among themselves


@dataclass(frozen=True)
class Corpus(Generic[SourceT]):
    """Training, dev and test text, and how it was found."""

    name: str
    found: FoundIn
    train: tuple[SourceT, ...]  # the corpus, then what is mixed in
    dev: SourceT
    test: SourceT
    shares: tuple[float | None, ...] = ()  # of the training sources, where several are mixed; None = by size
    missing: tuple[str, ...] = ()  # of several corpora, those left out, each with the reason
    given: Mapping[str, Any] = field(default_factory=dict)  # of the user's: the files, and how they are read
    groups: tuple[Group, ...] = ()  # of the training sources, where a former run's are mixed in; else they are one
    held_out: tuple[SourceT, ...] = ()  # further text that is kept out of training

    @property
    def records(self) -> str:
        """What the corpus consists of: `pairs`, `documents`, ..."""
        return self.dev.records

    def splits(self) -> dict[SplitName, tuple[SourceT, ...]]:
        """The sources of each split."""
        return {"train": self.train, "dev": (self.dev,), "test": (self.test,)}

    def judged_on(self, records: int) -> Self:
        """With only the first records of dev and of test; all where `records` is 0."""
        return replace(self, dev=self.dev.first(records), test=self.test.first(records))

    def with_former(self, former: Self, share: float, temperature: float) -> Self:
        """With the training text of a former corpus, for a share of what is trained on; `temperature`: this one's."""
        own, old = (corpus.groups or (Group(len(corpus.train), 1.0),) for corpus in (self, former))
        own = tuple(group._replace(share=group.share * (1 - share), temperature=temperature) for group in own)
        shares = [corpus.shares or (None,) * len(corpus.train) for corpus in (self, former)]
        return replace(
            self,
            train=(*self.train, *former.train),
            shares=(*shares[0], *shares[1]),
            groups=(*own, *(group._replace(share=group.share * share) for group in old)),
        )

    def record(self) -> dict[str, Any]:
        """For the run's record: names, origins, checksums."""
        return {
            "name": self.name,
            "found": self.found,
            "train": [source.record() for source in self.train],
            "dev": self.dev.record(),
            "test": self.test.record(),
            **({"missing": list(self.missing)} if self.missing else {}),
            **({"given": self.given} if self.given else {}),
        }


@dataclass(frozen=True)
class Given:
    """The user's files for one split: a source and a target file, or files of whole records."""

    source_file: Path | None = None
    target_file: Path | None = None
    data: tuple[Path, ...] = ()

    def __bool__(self) -> bool:
        return any((self.source_file, self.target_file, self.data))
