"""Sentence pairs: two files line for line, or two columns, named by their languages; the bundled phrasebook."""

from __future__ import annotations

import filecmp
import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seq2seq.data.bundled import phrasebook
from seq2seq.data.corpus import SPLITS, Given, Source, SplitName
from seq2seq.data.lines import PLAIN, Reading, read_pairs
from seq2seq.data.pair_columns import PairColumns
from seq2seq.data.records import Kind, joined
from seq2seq.data.rows import must_hold_text, read_json_lines
from seq2seq.data.unchanged import Unchanged, digest, row_bytes
from seq2seq.errors import DataError
from seq2seq.recipe import Data
from seq2seq.storage.checksums import checksum

Pair = tuple[str, str]

_CELL_END = re.compile(r"\r\n|\n")
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class PairSource(Source[Pair]):
    """One split of sentence pairs."""

    records = "pairs"

    references: dict[str, list[str]] = field(default_factory=dict)  # more references of a source sentence, where known
    tag: str = ""  # put before each source that the model reads
    dropped: Callable[[], Mapping[str, int]] | None = None  # how many pairs cleaning dropped, by filter
    kinds: tuple[tuple[str, PairSource], ...] = ()  # of which it consists, in order, each with its name

    @classmethod
    def of_kinds(cls, kinds: Sequence[tuple[str, PairSource]]) -> PairSource:
        """Several kinds of text as one; a single one as it is."""
        if len(kinds) == 1:
            return kinds[0][1]
        return replace(joined(cls, [source for _, source in kinds]), kinds=tuple(kinds))

    def by_kind(self) -> tuple[tuple[str, PairSource], ...]:
        """The kinds of text with their names; one without a name where it consists of one."""
        return self.kinds or (("", self),)

    def tagged(self, source: str) -> str:
        """A source as the model reads it."""
        return f"{self.tag} {source}" if self.tag else source

    def first(self, count: int) -> PairSource:
        """Only the first pairs, of each kind; all where `count` is 0."""
        if not self.kinds:
            return super().first(count)
        return self.of_kinds([(name, source.first(count)) for name, source in self.kinds])

    def record(self) -> dict[str, Any]:
        """For the run's record; the references are part of the content."""
        record = super().record()
        if self.references:
            content = f"{record['content']} {json.dumps(self.references)}"
            record["content"] = hashlib.sha256(content.encode()).hexdigest()
        return record


class PairKind(Kind[Pair, PairSource]):
    """Sentence pairs from one language of a recipe to the other."""

    noun = "pair"
    source_type = PairSource
    reads = "pairs"
    files_option = "--source-file and --target-file, or --data"

    def __init__(self, data: Data) -> None:
        super().__init__(data, PairColumns(data))

    def record(self, cells: Sequence[str]) -> Pair:
        """Line ends within a side become blanks."""
        source, target = cells
        return _CELL_END.sub(" ", source), _CELL_END.sub(" ", target)

    def given(self, split: SplitName, given: Given, reading: Reading) -> PairSource:
        """Two files of a side each, or one file of pairs."""
        if len(given.data) > 1:
            raise DataError(
                f"{split}: pairs are read from one file, not {len(given.data)}; join {given.data[0]} and the others"
            )
        if given.data:
            if given.source_file or given.target_file:
                raise DataError(
                    f"{split}: {given.data[0]} holds both sides; give it alone, or a source and a target file"
                )
            return self.file(given.data[0], reading)
        if given.source_file is None or given.target_file is None:
            present, absent = ("source", "target") if given.source_file else ("target", "source")
            raise DataError(
                f"{split}: {given.source_file or given.target_file} is the {present} side alone; give the {absent} "
                "file too"
            )
        return file_pair(given.source_file, given.target_file, reading)

    def mirror_names(self, split: SplitName) -> list[str]:
        """A file of each side, or one of both."""
        return [f"{split}.{self.data.source} and {split}.{self.data.target}", f"{split}.jsonl"]

    def mirrored(self, folder: Path, split: SplitName, reading: Reading) -> PairSource | None:
        """With the further references of the folder."""
        source, target = self._side_files(folder, split)
        pairs_file, extra = folder / f"{split}.jsonl", folder / f"{split}.refs.jsonl"
        if source.exists() and target.exists():
            pairs = file_pair(source, target, reading)
        elif pairs_file.exists():
            pairs = self.file(pairs_file, reading)
        else:
            return None
        if not extra.is_file():
            return pairs
        return replace(pairs, origin=f"{pairs.origin}, {extra}", references=_references(extra, self.data))

    def bundled(self) -> dict[SplitName, PairSource] | None:
        """The phrasebook, in the direction of the recipe."""
        return {split: self._phrasebook(split) for split in SPLITS} if self.data.corpus == "phrasebook" else None

    def _phrasebook(self, split: SplitName) -> PairSource:
        """A split of the phrasebook in the direction that the recipe translates."""
        french = bundled(split)
        direction = f"{self.data.source}-{self.data.target}"
        if direction == "fr-en":
            return french
        if direction != "en-fr":
            raise DataError(f"{french.origin} is fr-en, not {direction}: name files or another corpus")
        return replace(
            french,
            origin=f"{french.origin}, reversed",
            read=lambda: ((target, source) for source, target in french.read()),
            checksum=lambda: f"{french.checksum()} reversed",
        )

    def write(self, new: Path, folder: Path, split: SplitName, records: Iterator[Pair]) -> list[str]:
        """A file of each side, line ends within a side replaced by blanks."""
        paths = self._side_files(new, split)
        with ExitStack() as stack:
            files = [stack.enter_context(path.open("wb")) for path in paths]
            for pair in records:
                for file, side in zip(files, pair):
                    file.write(_LINE_END.sub(" ", side).encode("utf-8", "replace") + b"\n")
        for path in paths:
            self._must_be_in_step(folder, path)
        return [path.name for path in paths]

    def replaced(self, split: SplitName) -> list[str]:
        """None: a file of each side takes precedence over one of both."""
        return []

    def _must_be_in_step(self, folder: Path, written: Path) -> None:
        """Of languages a, b and c, where the folder holds a and b, and b and c are written: b must not change."""
        former = folder / written.name
        if not former.is_file() or filecmp.cmp(former, written, shallow=False):
            return
        known = {suffix[1:] for suffix in (*self.suffixes, ".txt", ".gz")} | {self.data.source, self.data.target}
        for other in sorted({path.suffix[1:] for path in folder.glob(f"{SPLITS[0]}.*")} - known):
            if all((folder / f"{split}.{other}").is_file() for split in SPLITS):
                raise DataError(
                    f"{folder} holds {written.suffix[1:]} and {other}, line for line, and another {written.name} would "
                    f"replace its own; name another folder with --to, or delete the files that end in .{other}"
                )

    def _side_files(self, folder: Path, split: SplitName) -> tuple[Path, Path]:
        return folder / f"{split}.{self.data.source}", folder / f"{split}.{self.data.target}"


def file_pair(source: Path, target: Path, reading: Reading = PLAIN) -> PairSource:
    """The pairs of two files (compressed too), line for line. Raises DataError, at once or while reading."""
    for path in (source, target):
        must_hold_text(path)
    if reading.columns:
        raise DataError(f"--columns is for tables given by --data: {source} and {target} hold a side each")
    origin = f"{source}, {target}"
    unchanged = Unchanged(origin, lambda: read_pairs(source, target, reading), row_bytes)
    return PairSource(origin, unchanged, unchanged.checksum, files=lambda: f"{checksum(source)} {checksum(target)}")


def bundled(split: SplitName) -> PairSource:
    """A split of the phrasebook: French, English."""
    pairs = functools.cache(lambda: phrasebook.pairs(split))
    return PairSource("bundled phrasebook", lambda: iter(pairs()), functools.cache(lambda: digest(pairs())))


def _references(path: Path, data: Data) -> dict[str, list[str]]:
    """All references of each source sentence; rows of another source language are skipped."""
    references_of: dict[str, list[str]] = {}
    for place, row in read_json_lines(path):
        if data.source not in row:
            continue
        references = row.get("refs")
        if not isinstance(references, list) or not all(
            isinstance(text, str) for text in (row[data.source], *references)
        ):
            raise DataError(f'{place}: write it as {{"{data.source}": "...", "refs": ["...", "..."]}}')
        references_of.setdefault(row[data.source], []).extend(references)
    return references_of
