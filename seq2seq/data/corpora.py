"""Where text comes from: files of the user, the local mirror, the Hub, or what ships with seqx, in this order."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from seq2seq import recipe
from seq2seq.data.lines import EncodingErrors, read_lines, read_pairs
from seq2seq.errors import DataError
from seq2seq.files import sha256

Pair = tuple[str, str]
SplitName = Literal["train", "dev", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "dev", "test")

# Where the user gives training text alone, one pair in this many is held out for dev, and one for test.
_HELD_OUT_SHARE = 50
_HELD_OUT_MOST = 2000


@dataclass(frozen=True)
class Text:
    """One split: pairs that can be read any number of times, and where they are from."""

    origin: str
    read: Callable[[], Iterator[Pair]]
    checksum: Callable[[], str]
    references: dict[str, list[str]] = field(default_factory=dict)  # more references of a source sentence, where known

    def record(self) -> dict[str, Any]:
        """For the run's record."""
        return {"origin": self.origin, "sha256": self.checksum()}


@dataclass(frozen=True)
class Corpus:
    """Training, dev and test text, and how it was found."""

    name: str
    found: Literal["files", "mirror", "hub", "bundled"]
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

    Raises DataError where files were named and cannot be used.
    """
    given = {split: files for split, files in (given or {}).items() if files}
    mixed = tuple(bundled(name, "train") for name in data.mix)
    if given:
        return _from_files(data, given, mixed, errors)
    if data.corpus == "phrasebook":
        return Corpus(data.corpus, "bundled", (bundled(data.corpus, "train"),), *_held_out_bundled(data.corpus))
    splits = _from_mirror(data, errors) or _from_hub(data)
    if splits is None:
        return None
    found, texts = splits
    return Corpus(data.corpus, found, (texts["train"], *mixed), texts["dev"], texts["test"])


def pair_file(path: Path, data: recipe.Data, errors: EncodingErrors = "strict") -> Text:
    """The pairs of one file: .tsv (two columns), .jsonl, .csv or .parquet (columns named by language, or source/target)."""
    readers: dict[str, Callable[[], Iterator[Pair]]] = {
        ".tsv": lambda: _read_tsv(path, errors),
        ".jsonl": lambda: _columns(_read_jsonl(path, errors), path, data),
        ".csv": lambda: _columns(_read_csv(path, errors), path, data),
        ".parquet": lambda: _columns(_read_parquet(path), path, data),
    }
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise DataError(f"{path}: pairs are read from .tsv, .jsonl, .csv or .parquet, not from {suffix or 'a file without suffix'}")
    _must_exist(path)
    return Text(str(path), readers[suffix], lambda: sha256(path))


def file_pair(source: Path, target: Path, errors: EncodingErrors = "strict") -> Text:
    """The pairs of two files, line for line."""
    for path in (source, target):
        _must_exist(path)
    return Text(f"{source}, {target}", lambda: read_pairs(source, target, errors), lambda: f"{sha256(source)} {sha256(target)}")


def bundled(name: Literal["phrasebook"] | str, split: SplitName) -> Text:
    """A split of a corpus that ships with seqx."""
    if name != "phrasebook":
        raise DataError(f"no bundled corpus named {name!r}; there is: phrasebook")
    pairs: list[Pair] = []

    def read() -> Iterator[Pair]:
        if not pairs:
            from seq2seq.data.bundled import phrasebook

            pairs.extend(phrasebook.pairs(split))
        return iter(pairs)

    return Text(f"bundled {name}", read, lambda: _digest(read()))


def carve(text: Text) -> dict[SplitName, Text]:
    """Training, dev and test text out of one: about 2 % each for dev and test (at most 2,000), chosen by content."""

    def read(split: SplitName) -> Iterator[Pair]:
        taken = {"dev": 0, "test": 0}
        for pair in text.read():
            number = int.from_bytes(hashlib.blake2b("\t".join(pair).encode("utf-8", "replace"), digest_size=8).digest()) % _HELD_OUT_SHARE
            chosen: SplitName = "dev" if number == 0 else "test" if number == 1 else "train"
            if chosen != "train":
                taken[chosen] += 1
                if taken[chosen] > _HELD_OUT_MOST:
                    chosen = "train"
            if chosen == split:
                yield pair

    return {split: Text(f"{text.origin} ({split} part)", lambda split=split: read(split), text.checksum) for split in SPLITS}  # type: ignore[misc]


def _held_out_bundled(name: str) -> tuple[Text, Text]:
    return bundled(name, "dev"), bundled(name, "test")


def _from_files(data: recipe.Data, given: dict[SplitName, Given], mixed: tuple[Text, ...], errors: EncodingErrors) -> Corpus:
    if "train" not in given:
        raise DataError("dev or test files were given without training files: give --source-file and --target-file, or --data")
    texts: dict[SplitName, Text] = {}
    for split, files in given.items():
        if files.data is not None:
            texts[split] = pair_file(files.data, data, errors)
        elif files.source_file is not None and files.target_file is not None:
            texts[split] = file_pair(files.source_file, files.target_file, errors)
        else:
            raise DataError(f"{split}: a source file and a target file go together; one of them is missing")
    parts = carve(texts["train"])
    if "dev" not in texts or "test" not in texts:
        texts = {**parts, **{split: text for split, text in texts.items() if split != "train"}}
    for split, text in texts.items():
        if next(text.read(), None) is None:
            raise DataError(f"{text.origin}: no pair for {split}; more text is needed, or files of its own for {split}")
    return Corpus("files", "files", (texts["train"], *mixed), texts["dev"], texts["test"])


def _from_mirror(data: recipe.Data, errors: EncodingErrors) -> tuple[Literal["mirror"], dict[SplitName, Text]] | None:
    root = os.environ.get("SEQX_DATA")
    if not root:
        return None
    folder = Path(root) / data.corpus
    if not folder.is_dir():
        return None
    texts: dict[SplitName, Text] = {}
    for split in SPLITS:
        sides = [folder / f"{split}.{language}" for language in (data.source, data.target)]
        if all(side.is_file() for side in sides):
            text = file_pair(*sides, errors)
        elif (folder / f"{split}.jsonl").is_file():
            text = pair_file(folder / f"{split}.jsonl", data, errors)
        else:
            raise DataError(f"{folder} (from SEQX_DATA) lacks {split}.{data.source} and {split}.{data.target}, or {split}.jsonl")
        extra = folder / f"{split}.refs.jsonl"
        if extra.is_file():
            text = Text(text.origin, text.read, text.checksum, _references(extra, data))
        texts[split] = text
    return "mirror", texts


def _references(path: Path, data: recipe.Data) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in _read_jsonl(path, "strict"):
        if data.source in row and "refs" in row:
            found.setdefault(str(row[data.source]), []).extend(str(reference) for reference in row["refs"])
    return found


def _from_hub(data: recipe.Data) -> tuple[Literal["hub"], dict[SplitName, Text]] | None:
    if data.hub is None or os.environ.get("HF_HUB_OFFLINE") == "1":
        return None
    try:
        return "hub", {split: from_hub(data.hub, split) for split in SPLITS}
    except DataError:
        return None


def from_hub(hub: recipe.Hub, split: SplitName) -> Text:
    """A split from the Hugging Face Hub (parquet; cached there). Raises DataError where it cannot be reached."""
    import datasets

    name = {"train": hub.train, "dev": hub.dev, "test": hub.test}[split]
    datasets.disable_progress_bars()
    try:
        table = datasets.load_dataset(hub.path, hub.config, split=name)
    except Exception as error:  # the library raises many unrelated types for "not reachable"
        raise DataError(f"{hub.path} ({name}) cannot be had from the Hugging Face Hub: {type(error).__name__}: {error}") from error

    def read() -> Iterator[Pair]:
        for row in table:
            yield _value(row, hub.source_column, hub.path), _value(row, hub.target_column, hub.path)

    return Text(f"hub {hub.path} {name}", read, lambda: _digest(read()))


def _value(row: dict[str, Any], column: str, origin: str) -> str:
    value: Any = row
    for part in column.split("."):
        if not isinstance(value, dict) or part not in value:
            raise DataError(f"{origin} has no column {column}; there are: {', '.join(map(str, row))}")
        value = value[part]
    return _one_line(str(value))


def _one_line(text: str) -> str:
    return text.replace("\r\n", " ").replace("\n", " ")


def _must_exist(path: Path) -> None:
    if not path.exists():
        raise DataError(f"no file {path}")
    if path.is_dir():
        raise DataError(f"{path} is a folder; name a file")


def _read_tsv(path: Path, errors: EncodingErrors) -> Iterator[Pair]:
    for number, line in enumerate(read_lines(path, errors), start=1):
        fields = line.split("\t")
        if len(fields) < 2:
            raise DataError(f"{path}, line {number}: no tab; each line is source, tab, target")
        yield fields[0], fields[1]


def _read_jsonl(path: Path, errors: EncodingErrors) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(read_lines(path, errors), start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: not JSON ({error})") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number}: a JSON object is needed, one a line")
        yield row


def _read_csv(path: Path, errors: EncodingErrors) -> Iterator[dict[str, Any]]:
    yield from csv.DictReader(line + "\n" for line in read_lines(path, errors))


def _read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is not a parquet file: {error}") from error


def _columns(rows: Iterable[dict[str, Any]], path: Path, data: recipe.Data) -> Iterator[Pair]:
    names: tuple[str, str] | None = None
    for row in rows:
        row = row["translation"] if isinstance(row.get("translation"), dict) else row
        if names is None:
            for names in ((data.source, data.target), ("source", "target")):
                if all(name in row for name in names):
                    break
            else:
                raise DataError(
                    f"{path} has no columns {data.source} and {data.target}, nor source and target; there are: {', '.join(map(str, row))}"
                )
        yield _one_line(str(row.get(names[0]) or "")), _one_line(str(row.get(names[1]) or ""))


def _digest(pairs: Iterable[Pair]) -> str:
    digest = hashlib.sha256()
    for source, target in pairs:
        digest.update(f"{source}\t{target}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
