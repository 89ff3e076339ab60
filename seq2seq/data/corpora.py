"""Where text comes from: files of the user, the local mirror, the Hub, or what ships with seqx, in this order."""

from __future__ import annotations

import functools
import hashlib
import heapq
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

from seq2seq import recipe
from seq2seq.data import hub
from seq2seq.data.folding import fold
from seq2seq.data.formats import Pair, Text, digest, file_pair, pair_file, read_json_lines
from seq2seq.data.hub import from_hub
from seq2seq.data.lines import PLAIN, Reading
from seq2seq.errors import DataError
from seq2seq.storage.folders import folder_at

__all__ = [
    "SPLITS",
    "Corpus",
    "Given",
    "Pair",
    "SplitName",
    "Text",
    "bundled",
    "carve",
    "choose",
    "file_pair",
    "find",
    "from_hub",
    "mirrored",
    "pair_file",
]

SplitName = Literal["train", "dev", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "dev", "test")

# Where the user gives no text to judge on, one pair in this many is held out for dev, and one for test.
_HELD_OUT_SHARE = 50
_HELD_OUT_MOST = 2000


@dataclass(frozen=True)
class Corpus:
    """Training, dev and test text, and how it was found."""

    name: str
    found: Literal["files", "mirror", "hub", "bundled", "overfit"]
    train: tuple[Text, ...]  # the corpus, then what is mixed in
    dev: Text
    test: Text

    def judged_on(self, pairs: int) -> Corpus:
        """With only the first pairs of dev and of test; all where `pairs` is 0."""
        return replace(self, dev=first(self.dev, pairs), test=first(self.test, pairs))

    def record(self) -> dict[str, Any]:
        """For the run's record: names, origins, checksums."""
        return {
            "name": self.name,
            "found": self.found,
            "train": [text.record() for text in self.train],
            "dev": self.dev.record(),
            "test": self.test.record(),
        }


@dataclass(frozen=True)
class Given:
    """Files that the user named for one split: a source and a target file, or one file of pairs."""

    source_file: Path | None = None
    target_file: Path | None = None
    data: Path | None = None

    def __bool__(self) -> bool:
        return any((self.source_file, self.target_file, self.data))


def find(data: recipe.Data, given: dict[SplitName, Given] | None = None, *, reading: Reading = PLAIN) -> Corpus:
    """The corpus of a recipe: the user's files, else $SEQX_DATA, else the Hub. Raises MissingCorpusError where it is
    in none of these.

    What the recipe mixes in goes with its own corpus, not with the user's files. Dev and test text that the user does
    not name is held out of the training text (`carve`). Raises DataError where files, or SEQX_DATA, were named and
    cannot be used, or a split holds no pair.
    """
    given = {split: files for split, files in (given or {}).items() if files}
    if given:
        return _corpus("files", "files", _from_files(data, given, reading), ())
    if reading.columns:
        raise DataError(f"--columns {','.join(reading.columns)} is for tables given by --data, and there is none")
    mixed = tuple(_directed(first(bundled(name, "train"), data.mix_pairs), data) for name in data.mix)
    if data.corpus == "phrasebook":
        train, dev, test = (_directed(bundled(data.corpus, split), data) for split in SPLITS)
        return Corpus(data.corpus, "bundled", (train,), dev, test)
    if stored := _from_mirror(data, reading):
        return _corpus(data.corpus, "mirror", stored, mixed)
    return _corpus(data.corpus, "hub", hub.every_split(data, from_hub), mixed)


def bundled(name: Literal["phrasebook"] | str, split: SplitName) -> Text:
    """A split of a corpus that ships with seqx: French, English."""
    if name != "phrasebook":
        raise DataError(f"no bundled corpus named {name!r}; there is: phrasebook")

    @functools.cache
    def pairs() -> list[Pair]:
        from seq2seq.data.bundled import phrasebook

        return list(phrasebook.pairs(split))

    return Text(f"bundled {name}", lambda: iter(pairs()), functools.cache(lambda: digest(pairs())))


def first(text: Text, count: int) -> Text:
    """The first pairs of a text; all where `count` is 0."""
    if not count:
        return text
    return replace(
        text,
        origin=f"{text.origin}, first {count:,}",
        read=lambda: islice(text.read(), count),
        checksum=lambda: f"{text.checksum()} first {count}",
    )


def _directed(text: Text, data: recipe.Data) -> Text:
    """A bundled text in the direction that the recipe translates."""
    direction = f"{data.source}-{data.target}"
    if direction == "fr-en":
        return text
    if direction == "en-fr":
        return replace(
            text,
            origin=f"{text.origin}, reversed",
            read=lambda: ((target, source) for source, target in text.read()),
            checksum=lambda: f"{text.checksum()} reversed",
        )
    raise DataError(f"{text.origin} is fr-en, not {direction}: name files or another corpus, and set data.mix=[]")


def carve(text: Text, splits: Sequence[SplitName] = ("dev", "test")) -> dict[SplitName, Text]:
    """Hold about 2 % of a text out for each of `splits` (one pair at least, about 2,000 at most); the rest is `train`.

    Chosen by content among the pairs that differ: neither order nor repetition plays a part, and equal pairs stay
    together. Pairs with a blank side are not held out. Reading raises DataError where nothing is left to train on.
    """

    @functools.cache
    def held_out() -> Chosen:
        chosen = choose((_fingerprint(pair) for pair in text.read() if all(side.strip() for side in pair)), splits)
        if chosen.distinct <= len(splits):
            raise DataError(
                f"{text.origin}: no pair for train is left of {chosen.distinct} distinct pairs where "
                f"{' and '.join(splits)} are held out; give more text, or files for {' and '.join(splits)}"
            )
        return chosen

    def read(split: SplitName) -> Iterator[tuple[int, Pair]]:
        chosen = held_out().splits
        return (line for line in text.numbered() if chosen.get(_fingerprint(line[1]), "train") == split)

    def part(split: SplitName) -> Text:
        described = f"{split} part, {' and '.join(splits)} held out"
        return replace(
            text,
            origin=f"{text.origin} ({described})",
            read=lambda: (pair for _, pair in read(split)),
            whole=text,
            lines=lambda: read(split),
            checksum=lambda: part_checksum(text.checksum(), described, sorted(held_out().splits.items())),
            files=lambda: part_checksum((text.files or text.checksum)(), f"{described}{held_out().otherwise}"),
        )

    return {split: part(split) for split in ("train", *splits)}


def part_checksum(whole: str, *part: Any) -> str:
    """The checksum of a part of a text, by that of the whole and what tells which part it is."""
    return hashlib.sha256(" ".join(map(str, (whole, *part))).encode()).hexdigest()


class Chosen(NamedTuple):
    """What is held out, by fingerprint."""

    splits: dict[int, SplitName]
    distinct: int  # fingerprints, counted as far as it matters
    otherwise: str  # for checksums: where repetitions once counted, and other ones were chosen


def choose(fingerprints: Iterable[int], splits: Sequence[SplitName]) -> Chosen:
    """What to hold out for each of `splits`, the smallest first: about 2 % of those that differ, one at least, about
    2,000 at most."""
    count = 0
    smallest: list[int] = []
    distinct: set[int] = set()
    found = iter(fingerprints)
    while chunk := list(islice(found, _HELD_OUT_SHARE * _HELD_OUT_MOST)):
        count += len(chunk)
        if len(distinct) < _HELD_OUT_SHARE * _HELD_OUT_MOST:  # from there on, the share is the most
            distinct.update(chunk)
        smallest = heapq.nsmallest(_HELD_OUT_MOST * len(splits), {*smallest, *chunk})
    share, once = (min(_HELD_OUT_MOST, max(1, number // _HELD_OUT_SHARE)) for number in (len(distinct), count))
    chosen = {value: splits[index % len(splits)] for index, value in enumerate(smallest[: share * len(splits)])}
    return Chosen(chosen, len(distinct), "" if share == once else ", distinct ones")


def _fingerprint(pair: Pair) -> int:
    digest = hashlib.blake2b("\t".join(pair).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest())


def _corpus(
    name: str, found: Literal["files", "mirror", "hub"], texts: dict[SplitName, Text], mixed: tuple[Text, ...]
) -> Corpus:
    for split in SPLITS:
        if not any(all(fold(side) for side in pair) for pair in texts[split].read()):
            blank = " but such as are blank on a side" if next(texts[split].read(), None) else ""
            raise DataError(
                f"{texts[split].origin}: no pair for {split}{blank}; give more text, or files of its own for {split}"
            )
    return Corpus(name, found, (texts["train"], *mixed), texts["dev"], texts["test"])


def _from_files(data: recipe.Data, given: dict[SplitName, Given], reading: Reading) -> dict[SplitName, Text]:
    texts = {split: _given_text(split, files, data, reading) for split, files in given.items()}
    if "train" not in texts:
        raise DataError(
            f"files were given for {' and '.join(texts)}, none to train on: "
            "give --source-file and --target-file, or --data"
        )
    for split in SPLITS[1:]:
        if split in texts:
            deque(texts[split].read(), maxlen=0)  # what cannot be read is said now, not after hours of training
    missing = [split for split in SPLITS if split not in texts]
    return {**texts, **carve(texts["train"], missing)} if missing else texts


def _given_text(split: SplitName, files: Given, data: recipe.Data, reading: Reading) -> Text:
    if files.data is not None:
        if files.source_file or files.target_file:
            raise DataError(f"{split}: {files.data} holds both sides; give it alone, or a source and a target file")
        return pair_file(files.data, data, reading)
    if files.source_file is None or files.target_file is None:
        present, absent = ("source", "target") if files.source_file else ("target", "source")
        raise DataError(
            f"{split}: {files.source_file or files.target_file} is the {present} side alone; give the {absent} file too"
        )
    return file_pair(files.source_file, files.target_file, reading)


def mirrored(data: recipe.Data) -> Path | None:
    """The folder of a corpus under $SEQX_DATA, where there is one. Raises DataError where SEQX_DATA leads nowhere."""
    root = os.environ.get("SEQX_DATA")
    if not root:
        return None
    if not Path(root).is_dir():
        raise DataError(f"SEQX_DATA = {root} is not a folder; set it to the one that holds {data.corpus}/, or unset it")
    folder = folder_at(Path(root) / data.corpus)
    return folder if folder.is_dir() else None


def _from_mirror(data: recipe.Data, reading: Reading) -> dict[SplitName, Text] | None:
    folder = mirrored(data)
    if folder is None:
        return None
    texts: dict[SplitName, Text] = {}
    for split in SPLITS:
        source, target = (folder / f"{split}.{language}" for language in (data.source, data.target))
        both = folder / f"{split}.jsonl"
        if source.exists() and target.exists():
            text = file_pair(source, target, reading)
        elif both.exists():
            text = pair_file(both, data, reading)
        else:
            raise DataError(
                f"{folder} (under SEQX_DATA) lacks {source.name} and {target.name}, or {both.name}; "
                "fill it with `seqx data get`"
            )
        extra = folder / f"{split}.refs.jsonl"
        if extra.is_file():
            text = replace(text, origin=f"{text.origin}, {extra}", references=_references(extra, data))
        texts[split] = text
    return texts


def _references(path: Path, data: recipe.Data) -> dict[str, list[str]]:
    """All references of each source sentence; rows of another source language are passed over."""
    found: dict[str, list[str]] = {}
    for place, row in read_json_lines(path):
        if data.source not in row:
            continue
        references = row.get("refs")
        if not isinstance(references, list) or not all(
            isinstance(each, str) for each in (row[data.source], *references)
        ):
            raise DataError(f'{place}: write it as {{"{data.source}": "...", "refs": ["...", "..."]}}')
        found.setdefault(row[data.source], []).extend(references)
    return found
