"""Fill a local mirror: the folder that SEQX_DATA names on machines without a connection."""

from __future__ import annotations

import filecmp
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, islice
from pathlib import Path

from seq2seq import recipe
from seq2seq.data import texts
from seq2seq.data.corpora import SPLITS, Corpus, from_hub
from seq2seq.data.hub import directed
from seq2seq.data.texts import TextCorpus
from seq2seq.errors import DataError
from seq2seq.storage.folders import must_be_replaceable, replacing_folder

_FORMATS = ("txt", "jsonl", "csv", "tsv", "parquet", "gz")
_LINE_END = re.compile(r"\r\n|\r|\n")


def fetch(data: recipe.Data, folder: Path, progress: Callable[[int], None] = lambda count: None) -> list[Path]:
    """Write a recipe's corpus from the Hugging Face Hub to `folder`/<corpus>/, where SEQX_DATA = `folder` finds it.

    Returns the files; `progress` hears of pairs or documents. Raises DataError: no place on the Hub in the recipe, the
    Hub out of reach, `folder` cannot be written.
    """
    place = directed(data)
    if place is None:
        languages = "" if data.form == "text" else f" for {data.source} and {data.target}"
        raise DataError(
            f"corpus {data.corpus} has no place on the Hub; set data.hub.path, or put train, dev and test files"
            f"{languages} into {folder / data.corpus} yourself"
        )
    with _writing(folder / data.corpus):
        must_be_replaceable(folder / data.corpus)
    if data.form == "text":
        train, dev, test = (texts.from_hub(place, split) for split in SPLITS)
        return write_texts(TextCorpus(data.corpus, "hub", train, dev, test), data, folder, progress)
    pairs = [from_hub(place, split) for split in SPLITS]
    return write(Corpus(data.corpus, "hub", (pairs[0],), pairs[1], pairs[2]), data, folder, progress)


def write(
    corpus: Corpus, data: recipe.Data, folder: Path, progress: Callable[[int], None] = lambda pairs: None
) -> list[Path]:
    """Write a corpus as {train,dev,test}.{source,target}, line ends within a side made blanks: all files, or none.

    Other files of the folder stay. Raises DataError where they are a side that would lose its translation: of another
    language, and in step with a file that is to be replaced by another text.
    """
    place = folder / data.corpus
    written = []
    count = 0
    with _writing(place), replacing_folder(place, keep=lambda name: True) as made:
        for split, parts in zip(SPLITS, (corpus.train, (corpus.dev,), (corpus.test,))):
            names = [f"{split}.{language}" for language in (data.source, data.target)]
            with ExitStack() as stack:
                files = [stack.enter_context((made / name).open("wb")) for name in names]
                for text in parts:
                    for pair in text.read():
                        for file, side in zip(files, pair):
                            file.write(_LINE_END.sub(" ", side).encode("utf-8", "replace") + b"\n")
                        count += 1
                        if count % 10_000 == 0:
                            progress(count)
            written += [place / name for name in names]
        _must_leave_no_side_alone(place, made, data)
    progress(count)
    return written


def write_texts(
    corpus: TextCorpus, data: recipe.Data, folder: Path, progress: Callable[[int], None] = lambda documents: None
) -> list[Path]:
    """Write running text as {train,dev,test}.txt where a split is one document, else .jsonl: all files, or none. Other
    files of the folder stay."""
    place = folder / data.corpus
    written = []
    count = 0
    # What an earlier version of the corpus left in the other form must not be found in place of this one.
    both = {f"{split}.{suffix}" for split in SPLITS for suffix in ("txt", "jsonl")}
    with _writing(place), replacing_folder(place, keep=lambda name: name not in both) as made:
        for split, documents in zip(SPLITS, (corpus.train, corpus.dev, corpus.test)):
            reading = documents.read()
            first = list(islice(reading, 2))
            name = f"{split}.{'txt' if len(first) == 1 else 'jsonl'}"
            with (made / name).open("wb") as file:
                for document in chain(first, reading):
                    line = document if len(first) == 1 else json.dumps({"text": document}, ensure_ascii=False) + "\n"
                    file.write(line.encode("utf-8", "replace"))
                    count += 1
                    if count % 10_000 == 0:
                        progress(count)
            written.append(place / name)
    progress(count)
    return written


def _must_leave_no_side_alone(place: Path, made: Path, data: recipe.Data) -> None:
    """Of languages a, b and c, where the folder holds a and b and is given b and c: b must stay what it is."""
    for language in (data.source, data.target):
        changed = [
            name
            for name in (f"{split}.{language}" for split in SPLITS)
            if (place / name).is_file() and not filecmp.cmp(place / name, made / name, shallow=False)
        ]
        others = {each.suffix[1:] for each in place.glob(f"{SPLITS[0]}.*")} - {data.source, data.target, *_FORMATS}
        for other in sorted(others) if changed else ():
            if all((place / f"{split}.{other}").is_file() for split in SPLITS):
                raise DataError(
                    f"{place} holds {language} and {other}, line for line, and another {changed[0]} would replace its "
                    f"own; name another folder with --to, or delete the files that end in .{other}"
                )


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot write {folder}: {error.strerror or error}; make room there, or choose another folder"
        ) from error
