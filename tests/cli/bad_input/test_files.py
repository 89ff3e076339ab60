"""Files that are missing, empty, folders, binary, of another encoding, of another format, of other lengths."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bad_input import Case, refused
from tests.support.command import Seqx

PAIRS = "train -q --recipe tiny.toml --run out"
TEXT = "train -q --recipe verse.toml --run out"
# How each command takes a file {}, with two lines beside it.
TAKES = {
    "translate": "translate --run {{run}} --output out.txt --input {}",
    "score": "score --run {{run}} --output out.txt --source-file {} --target-file two",
    "evaluate": "evaluate --run {{run}} --output out.txt --source-file {} --target-file two",
    "compare": "compare {{run}} {{run}} --quiet --source-file {} --target-file two",
    "generate": "generate --run {{text}} --quiet --output out.txt --input {}",
    "evaluate text": "evaluate --run {{text}} --input {}.txt",
    "train": PAIRS + " --source-file {} --target-file two",
    "train dev": PAIRS + " --source-file train.fr --target-file train.en --dev-source-file {} --dev-target-file two",
    "train tsv": PAIRS + " --data {}.tsv",
    "train csv": PAIRS + " --data {}.csv",
    "train text": TEXT + " --data {}.txt",
    "data check": "data check tiny.toml --source-file {} --target-file two",
    "tokenizer compare": "tokenizer compare {} --quiet --kinds bpe --vocabulary 300",
    "tokenizer show": "tokenizer show bonjour --kind bpe --file {}",
}
EVERYWHERE = {
    "missing": ("no file missing", "check the path"),
    "latin1": ("latin1", "line 2: byte 0xe9 is not UTF-8; as cp1252 it is ", "add --encoding cp1252"),
    "binary": ("binary", "line 2: byte 0x80 is not UTF-8; repair the file, or name its encoding with --encoding"),
    "utf16": ("utf16", "is UTF-16, not UTF-8: add --encoding utf-16"),
    "utf16-unmarked": ("utf16-unmarked", "is UTF-16, not UTF-8: add --encoding utf-16-le"),
}
CASES = {
    f"{command}: {name}": Case(1, takes.format(name), words)
    for command, takes in TAKES.items()
    for name, words in EVERYWHERE.items()
} | {
    **{
        f"{command}: folder": Case(1, TAKES[command].format("folder"), ("folder is a folder; name a file",))
        for command in TAKES
        if "." not in TAKES[command].rpartition("{}")[2]
    },
    "empty side": Case(1, PAIRS + " --source-file empty --target-file two", ("empty is empty; check how",)),
    "empty test set": Case(1, "evaluate --run {run} --source-file empty --target-file two", ("empty is empty",)),
    "empty text": Case(1, TEXT + " --data empty.txt", ("empty.txt is empty",)),
    "empty to judge": Case(1, "evaluate --run {text} --input empty.txt", ("empty.txt is empty",)),
    "blank text": Case(1, TEXT + " --data blank.txt", ("blank.txt", "no text for train; give more text")),
    "blank sides": Case(1, PAIRS + " --source-file blank --target-file blank", ("blank", "no pair", "give more text")),
    "blank to learn from": Case(1, TAKES["tokenizer show"].format("blank"), ("it is blank; give more text",)),
    "pipe, read twice": Case(1, PAIRS + " --source-file pipe --target-file two", ("pipe is a pipe", "to a file first")),
    "pipe of text": Case(1, TEXT + " --data pipe.txt", ("pipe.txt is a pipe or a device",)),
    "gzip that is none": Case(1, "translate --run {run} --input broken.gz", ("broken.gz is not a whole gzip file",)),
    "unequal, train": Case(
        1,
        PAIRS + " --source-file two --target-file three",
        ("two has 2 lines, three has 3", "the first that does not match", "make line i of one translate line i"),
    ),
    **{
        f"unequal, {command}": Case(
            1, TAKES[command].format("three"), ("three has 3 lines, two has 2", "make line i of one translate line i")
        )
        for command in ("score", "evaluate", "compare", "data check")
    },
    **{
        f"{command}: line without end": Case(
            1,
            TAKES[command].format("endless"),
            ("endless", "line 1 is over 16,777,216 bytes long; break it into lines"),
        )
        for command in ("translate", "score", "evaluate", "compare", "data check", "train", "train tsv")
    },
    "one side alone": Case(1, PAIRS + " --source-file two", ("two is the source side alone; give the target",)),
    "one side of dev": Case(
        1,
        PAIRS + " --source-file train.fr --target-file train.en --dev-target-file two",
        ("two is the target side alone",),
    ),
    "both forms": Case(
        1, PAIRS + " --data letters.tsv --source-file two --target-file three", ("holds both sides; give it alone",)
    ),
    "dev alone": Case(1, PAIRS + " --dev-data letters.tsv", ("none to train on: give --source-file",)),
    "unknown format": Case(1, PAIRS + " --data two", ("two: pairs are read from .tsv, .jsonl, .csv or .parquet",)),
    "unknown format of text": Case(1, TEXT + " --data two", ("two: running text is read from .txt",)),
    "folder without text": Case(1, TEXT + " --data folder", ("folder is a folder that holds none of .txt",)),
    "no tab": Case(1, PAIRS + " --data letters.tsv", ("letters.tsv, line 2: no tab in 'deux'",)),
    "no column": Case(1, PAIRS + " --data columns.csv", ("no columns fr and en", "there are: fr, de; rename them")),
    "uneven rows": Case(1, PAIRS + " --data uneven.csv", ("uneven.csv, line 2: 3 columns, 2 in the first line",)),
    "open quote": Case(1, PAIRS + " --data quote.csv", ("quote.csv, line 2: not CSV", "quote that is not closed")),
    "number for text": Case(1, PAIRS + " --data number.jsonl", ("number.jsonl, line 1, column fr: 1 is not text",)),
    "list for object": Case(1, PAIRS + " --data list.jsonl", ("list.jsonl, line 1", "is not a JSON object")),
    "nested JSON": Case(1, PAIRS + " --data deep.jsonl", ("deep.jsonl, line 1: not JSON (nested too deep)",)),
    "no JSON": Case(1, PAIRS + " --data binary.jsonl", ("binary.jsonl, line 1: not JSON",)),
    "no parquet": Case(1, PAIRS + " --data binary.parquet", ("binary.parquet is not a whole parquet file",)),
    "pairs for text": Case(1, TEXT + " --source-file two --target-file two", ("reads running text; give --data",)),
    "several files of pairs": Case(1, PAIRS + " --data letters.tsv letters.tsv", ("read from one file, not 2",)),
    "half a pair": Case(2, "evaluate --run {run} --source-file two", ("--source-file and --target-file go together",)),
    "half a comparison": Case(2, "compare {run} {run} --target-file two", ("go together; one of them is missing",)),
    "stray file": Case(2, PAIRS + " two", ("unexpected argument two", "with --data")),
    "output on a folder": Case(2, "translate --run {run} --output folder bonjour", ("folder is a folder",)),
    "output under a file": Case(2, "score --run {run} -o two/out --source-file two --target-file two", ("is a file",)),
    "scores on a folder": Case(2, "evaluate --run {run} --output folder", ("--output folder is a folder",)),
    "plot of no format": Case(2, "tokenizer compare train.fr --plot a.pdf", ("a.pdf", "ends in .png or .svg")),
}


@pytest.mark.parametrize("name", CASES)
def test_a_file_that_cannot_be_used_is_named(
    seqx: Seqx, same_files: Path, trained: Path, trained_text: Path, name: str
) -> None:
    refused(seqx, CASES[name], same_files, run=trained, text=trained_text)


def test_what_replaces_bytes_goes_on(seqx: Seqx, files: Path, own: Path) -> None:
    for command in ("translate", "score", "evaluate", "compare"):
        done = seqx(*TAKES[command].format("latin1").format(run=own).split(), "--encoding-errors", "replace")
        assert done.code == 0, done.err
