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
from typing import Any, Literal

from seq2seq import recipe
from seq2seq.data import hub
from seq2seq.data.formats import Pair, Text, digest, file_pair, pair_file, read_json_lines
from seq2seq.data.hub import from_hub
from seq2seq.data.lines import EncodingErrors
from seq2seq.errors import DataError
from seq2seq.folders import folder_at

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


def find(
    data: recipe.Data, given: dict[SplitName, Given] | None = None, *, errors: EncodingErrors = "strict"
) -> Corpus | None:
    """The corpus of a recipe: the user's files, else $SEQX_DATA, else the Hub; None where it cannot be had.

    What the recipe mixes in goes with its own corpus, not with the user's files. Dev and test text that the user does
    not name is held out of the training text (`carve`). Raises DataError where files, or SEQX_DATA, were named and
    cannot be used, or a split holds no pair.
    """
    given = {split: files for split, files in (given or {}).items() if files}
    if given:
        return _corpus("files", "files", _from_files(data, given, errors), ())
    mixed = tuple(_directed(_first(bundled(name, "train"), data.mix_pairs), data) for name in data.mix)
    if data.corpus == "phrasebook":
        train, dev, test = (_directed(bundled(data.corpus, split), data) for split in SPLITS)
        return Corpus(data.corpus, "bundled", (train,), dev, test)
    if stored := _from_mirror(data, errors):
        return _corpus(data.corpus, "mirror", stored, mixed)
    if fetched := hub.every_split(data.hub, from_hub):
        return _corpus(data.corpus, "hub", fetched, mixed)
    return None


def bundled(name: Literal["phrasebook"] | str, split: SplitName) -> Text:
    """A split of a corpus that ships with seqx: French, English."""
    if name != "phrasebook":
        raise DataError(f"no bundled corpus named {name!r}; there is: phrasebook")

    @functools.cache
    def pairs() -> list[Pair]:
        from seq2seq.data.bundled import phrasebook

        return list(phrasebook.pairs(split))

    return Text(f"bundled {name}", lambda: iter(pairs()), functools.cache(lambda: digest(pairs())))


def _first(text: Text, count: int) -> Text:
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

    Chosen by content: the order of the text plays no part, and equal pairs stay together. Pairs with a blank side are
    not held out.
    """

    @functools.cache
    def held_out() -> dict[int, SplitName]:
        return choose((_fingerprint(pair) for pair in text.read() if all(side.strip() for side in pair)), splits)

    def read(split: SplitName) -> Iterator[Pair]:
        chosen = held_out()
        return (pair for pair in text.read() if chosen.get(_fingerprint(pair), "train") == split)

    def part(split: SplitName) -> Text:
        described = f"{split} part, {' and '.join(splits)} held out"
        return replace(
            text,
            origin=f"{text.origin} ({described})",
            read=lambda: read(split),
            checksum=lambda: part_checksum(text.checksum(), described, sorted(held_out().items())),
            files=lambda: part_checksum((text.files or text.checksum)(), described),
        )

    return {split: part(split) for split in ("train", *splits)}


def part_checksum(whole: str, *part: Any) -> str:
    """The checksum of a part of a text, by that of the whole and what tells which part it is."""
    return hashlib.sha256(" ".join(map(str, (whole, *part))).encode()).hexdigest()


def choose(fingerprints: Iterable[int], splits: Sequence[SplitName]) -> dict[int, SplitName]:
    """What to hold out for each of `splits`, the smallest first: about 2 %, one at least, about 2,000 at most."""
    count = 0
    smallest: list[int] = []
    found = iter(fingerprints)
    while chunk := list(islice(found, 50 * _HELD_OUT_MOST)):
        count += len(chunk)
        smallest = heapq.nsmallest(_HELD_OUT_MOST * len(splits), {*smallest, *chunk})
    share = min(_HELD_OUT_MOST, max(1, count // _HELD_OUT_SHARE))
    return {value: splits[index % len(splits)] for index, value in enumerate(smallest[: share * len(splits)])}


def _fingerprint(pair: Pair) -> int:
    digest = hashlib.blake2b("\t".join(pair).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest())


def _corpus(
    name: str, found: Literal["files", "mirror", "hub"], texts: dict[SplitName, Text], mixed: tuple[Text, ...]
) -> Corpus:
    for split in SPLITS:
        if next(texts[split].read(), None) is None:
            raise DataError(
                f"{texts[split].origin}: no pair for {split}; give more text, or files of its own for {split}"
            )
    return Corpus(name, found, (texts["train"], *mixed), texts["dev"], texts["test"])


def _from_files(data: recipe.Data, given: dict[SplitName, Given], errors: EncodingErrors) -> dict[SplitName, Text]:
    texts = {split: _given_text(split, files, data, errors) for split, files in given.items()}
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


def _given_text(split: SplitName, files: Given, data: recipe.Data, errors: EncodingErrors) -> Text:
    if files.data is not None:
        if files.source_file or files.target_file:
            raise DataError(f"{split}: {files.data} holds both sides; give it alone, or a source and a target file")
        return pair_file(files.data, data, errors)
    if files.source_file is None or files.target_file is None:
        present, absent = ("source", "target") if files.source_file else ("target", "source")
        raise DataError(
            f"{split}: {files.source_file or files.target_file} is the {present} side alone; give the {absent} file too"
        )
    return file_pair(files.source_file, files.target_file, errors)


def mirrored(data: recipe.Data) -> Path | None:
    """The folder of a corpus under $SEQX_DATA, where there is one. Raises DataError where SEQX_DATA leads nowhere."""
    root = os.environ.get("SEQX_DATA")
    if not root:
        return None
    if not Path(root).is_dir():
        raise DataError(f"SEQX_DATA = {root} is not a folder; set it to the one that holds {data.corpus}/, or unset it")
    folder = folder_at(Path(root) / data.corpus)
    return folder if folder.is_dir() else None


def _from_mirror(data: recipe.Data, errors: EncodingErrors) -> dict[SplitName, Text] | None:
    folder = mirrored(data)
    if folder is None:
        return None
    texts: dict[SplitName, Text] = {}
    for split in SPLITS:
        source, target = (folder / f"{split}.{language}" for language in (data.source, data.target))
        both = folder / f"{split}.jsonl"
        if source.exists() and target.exists():
            text = file_pair(source, target, errors)
        elif both.exists():
            text = pair_file(both, data, errors)
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
