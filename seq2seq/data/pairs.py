"""Sentence pairs: two files line for line, or two columns, named by their languages; the bundled phrasebook."""

from __future__ import annotations

import filecmp
import functools
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seq2seq.data.corpus import SPLITS, Given, Source, SplitName
from seq2seq.data.hold_out import part_checksum
from seq2seq.data.languages import names
from seq2seq.data.lines import PLAIN, Reading, read_pairs
from seq2seq.data.records import Kind, origin_of
from seq2seq.data.rows import must_hold_text, read_json_lines
from seq2seq.data.tables import NUMBER, WORD, Table, listed, suffix_of
from seq2seq.data.unchanged import Unchanged, digest, row_bytes
from seq2seq.errors import DataError
from seq2seq.recipe import Data, Hub
from seq2seq.storage.checksums import checksum

if TYPE_CHECKING:
    from seq2seq.data.findings import Verdict
    from seq2seq.data.pair_ratio import PairTally

Pair = tuple[str, str]

_CELL_END = re.compile(r"\r\n|\n")
_LINE_END = re.compile(r"\r\n|\r|\n")
_ODD_RATIO = 4.0
_SEVERAL = 5  # rows; fewer may be equal by chance
_SOURCE, _TARGET = frozenset(("source", "src")), frozenset(("target", "tgt", "trg"))
# Words beside the name of a language in the name of a column: `sentence_fr`, `French text`.
_BESIDE = frozenset(("text", "texte", "sentence", "sentences", "string", "segment", "column", "lang", "language"))


@dataclass(frozen=True)
class PairSource(Source[Pair]):
    """One split of sentence pairs."""

    records = "pairs"

    references: dict[str, list[str]] = field(default_factory=dict)  # more references of a source sentence, where known
    tag: str = ""  # put before each source that the model reads
    kinds: tuple[tuple[str, PairSource], ...] = ()  # of which it consists, in order, each with its name

    @classmethod
    def of_kinds(cls, kinds: Sequence[tuple[str, PairSource]]) -> PairSource:
        """Several kinds of text as one; a single one as it is."""
        if len(kinds) == 1:
            return kinds[0][1]
        sources = [source for _, source in kinds]
        return cls(
            origin_of(sources),
            lambda: chain.from_iterable(source.read() for source in sources),
            lambda: part_checksum(*(source.checksum() for source in sources)),
            lambda: part_checksum(*(source.file_checksum() for source in sources)),
            kinds=tuple(kinds),
        )

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
    fields = ("source", "target")
    findings = ("copied", "odd ratio")
    formats = "pairs are read from .tsv, .jsonl, .csv or .parquet; convert it, or give a file of each side"
    needed = "two columns, the source and the target"
    files_wanted = "--source-file and --target-file, or --data"

    @property
    def files_for(self) -> str:
        """The languages of the files of a mirror."""
        return f" for {self.data.source} and {self.data.target}"

    def choose(self, names: Sequence[str]) -> tuple[int, ...] | None:
        """By the names of the columns: `fr`, `translation.fr`, `source`, `French text`."""
        return _sides(names, self.data)

    def named(self, table: Table) -> tuple[int, ...] | None:
        """By the first line, unless that is an ordinary row of language codes."""
        first, second = table.sample[0], (*table.sample, [])[1]
        columns = self.choose(first)
        codes = columns and any(first[column] in second[column : column + 1] for column in columns)
        return None if codes else columns

    def said(self, table: Table, columns: tuple[int, ...]) -> str:
        """Nothing where the columns of a comma-separated table have the usual names."""
        titles = [table.sample[0][column] for column in columns]
        usual = tuple(title.strip() for title in titles) in ((self.data.source, self.data.target), self.fields)
        return "" if usual and table.delimiter == "," else f"columns {', '.join(titles)}"

    def unnamed(self, table: Table) -> tuple[int, ...]:
        """The first two columns of .tsv. Raises DataError where they do not look like text."""
        if suffix_of(table.path) != ".tsv":
            return super().unnamed(table)
        _must_look_like_text(table)
        return 0, 1

    def missing(self, where: str, names: Sequence[str]) -> str:
        """The error where no column has the name of a side."""
        return (
            f"{where} has no columns {self.data.source} and {self.data.target}, nor source and target; there are: "
            f"{listed(names)}; rename them, or say which by --columns SOURCE,TARGET (names; numbers, as 1,2, where the "
            "first line is text already)"
        )

    def record(self, cells: Sequence[str]) -> Pair:
        """Line ends within a side become blanks."""
        source, target = cells
        return _CELL_END.sub(" ", source), _CELL_END.sub(" ", target)

    def held_out_by(self, record: Pair) -> Pair:
        """Both sides."""
        return record

    def as_bytes(self, record: Pair) -> bytes:
        """The bytes of a pair that are hashed."""
        return row_bytes(record)

    def hub_columns(self, hub: Hub) -> tuple[str, ...]:
        """The columns of the two sides, in the direction of the recipe: a column that is named by a language holds it,
        whichever side a recipe of the other direction named it for."""
        columns = hub.source_column, hub.target_column
        source, target = (column.rpartition(".")[2].casefold() for column in columns)
        if source in names(self.data.target) or target in names(self.data.source):
            return columns[::-1]
        return columns

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
        if self.data.corpus != "phrasebook":
            return None
        return {split: self._directed(bundled(self.data.corpus, split)) for split in SPLITS}

    def _directed(self, pairs: PairSource) -> PairSource:
        """Bundled pairs in the direction that the recipe translates."""
        direction = f"{self.data.source}-{self.data.target}"
        if direction == "fr-en":
            return pairs
        if direction == "en-fr":
            return replace(
                pairs,
                origin=f"{pairs.origin}, reversed",
                read=lambda: ((target, source) for source, target in pairs.read()),
                checksum=lambda: f"{pairs.checksum()} reversed",
            )
        raise DataError(f"{pairs.origin} is fr-en, not {direction}: name files or another corpus")

    def write(self, folder: Path, split: SplitName, records: Iterator[Pair]) -> list[str]:
        """A file of each side, line ends within a side replaced by blanks."""
        paths = self._side_files(folder, split)
        with ExitStack() as stack:
            files = [stack.enter_context(path.open("wb")) for path in paths]
            for pair in records:
                for file, side in zip(files, pair):
                    file.write(_LINE_END.sub(" ", side).encode("utf-8", "replace") + b"\n")
        return [path.name for path in paths]

    def replaced(self, split: SplitName) -> list[str]:
        """None: a file of each side takes precedence over one of both."""
        return []

    def must_be_in_step(self, folder: Path, written: Path) -> None:
        """Of languages a, b and c, where the folder holds a and b, and b and c are written: b must not change."""
        sides = {self.data.source, self.data.target}
        for language in (self.data.source, self.data.target):
            changed = [
                name
                for name in (f"{split}.{language}" for split in SPLITS)
                if (folder / name).is_file() and not filecmp.cmp(folder / name, written / name, shallow=False)
            ]
            formats = {suffix[1:] for suffix in (*self.suffixes, ".txt", ".gz")}
            others = {path.suffix[1:] for path in folder.glob(f"{SPLITS[0]}.*")} - sides - formats
            for other in sorted(others) if changed else ():
                if all((folder / f"{split}.{other}").is_file() for split in SPLITS):
                    raise DataError(
                        f"{folder} holds {language} and {other}, line for line, and another {changed[0]} would replace "
                        f"its own; name another folder with --to, or delete the files that end in .{other}"
                    )

    def _side_files(self, folder: Path, split: SplitName) -> tuple[Path, Path]:
        return folder / f"{split}.{self.data.source}", folder / f"{split}.{self.data.target}"

    def tally(self) -> PairTally:
        """With the ratio of lengths."""
        from seq2seq.data.pair_ratio import PairTally

        return PairTally(self)

    def checks(self, record: Pair, shown: Sequence[str]) -> Iterator[str]:
        """Whether the sides are the same text, or one is over 4 times as long as the other, in characters."""
        source, target = shown
        if source == target:
            yield "copied"
        ratio = len(target) / len(source)
        if max(ratio, 1 / ratio) > _ODD_RATIO:
            yield "odd ratio"

    def verdicts(self, source: PairSource) -> Sequence[Verdict]:
        """Lines misaligned, sides swapped, placeholders or numbers lost."""
        from seq2seq.data.verdicts import judge

        return judge(source, self.data.source, self.data.target)


def file_pair(source: Path, target: Path, reading: Reading = PLAIN) -> PairSource:
    """The pairs of two files (compressed too), line for line. Raises DataError, at once or while reading."""
    for path in (source, target):
        must_hold_text(path)
    if reading.columns:
        raise DataError(f"--columns is for tables given by --data: {source} and {target} hold a side each")
    origin = f"{source}, {target}"
    unchanged = Unchanged(origin, lambda: read_pairs(source, target, reading), row_bytes)
    return PairSource(origin, unchanged, unchanged.checksum, files=lambda: f"{checksum(source)} {checksum(target)}")


def bundled(name: Literal["phrasebook"] | str, split: SplitName) -> PairSource:
    """A split of a corpus that ships with seqx: French, English."""
    if name != "phrasebook":
        raise DataError(f"no bundled corpus named {name!r}; there is: phrasebook")

    @functools.cache
    def pairs() -> list[Pair]:
        from seq2seq.data.bundled import phrasebook

        return list(phrasebook.pairs(split))

    return PairSource(f"bundled {name}", lambda: iter(pairs()), functools.cache(lambda: digest(pairs())))


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


def _sides(columns: Sequence[str], data: Data) -> tuple[int, int] | None:
    for prefix, source, target in (
        ("", data.source, data.target),
        ("translation.", data.source, data.target),
        ("", "source", "target"),
    ):
        if {prefix + source, prefix + target} <= {*columns}:
            return columns.index(prefix + source), columns.index(prefix + target)
    left, right = (
        [index for index, name in enumerate(columns) if _names(name, known)]
        for known in (names(data.source) | _SOURCE, names(data.target) | _TARGET)
    )
    return (left[0], right[0]) if len(left) == len(right) == 1 and left != right else None


def _names(column: str, known: frozenset[str]) -> bool:
    words = WORD.findall(column.casefold())
    beside = (word in known or word in _BESIDE or (number and len(word) == 2) for number, word in enumerate(words))
    return any(word in known for word in words) and all(beside)


def _must_look_like_text(table: Table) -> None:
    """Raise DataError where the first two columns do not look like text."""
    rows = [row for row in table.sample if len(row) > 1]
    width = min(map(len, rows), default=0)
    odd = [_odd([row[column] for row in rows]) for column in range(width)] if len(rows) > 1 else []
    wrong = next((column for column, reason in enumerate(odd[:2]) if reason), None)
    if wrong is None:
        return
    text = [str(column + 1) for column, reason in enumerate(odd) if not reason]
    look = f"; columns {' and '.join(text)} look like text" if len(text) > 1 else ""
    raise DataError(
        f"{table.path}: column {wrong + 1} of {width} holds {odd[wrong]}{look}: name the two by --columns "
        f"{','.join(text[:2]) if len(text) > 1 else 'SOURCE,TARGET'} (--columns 1,2 where they are right)"
    )


def _odd(cells: Sequence[str]) -> str:
    """Why the cells of a column do not look like text; else an empty string."""
    if all(NUMBER.fullmatch(cell) for cell in cells[1:]):  # the first may be the column's name
        return "numbers alone"
    if len(cells) >= _SEVERAL and len({*cells[1:]}) == 1:
        return f"{cells[1][:20]!r} in every line"
    return ""
