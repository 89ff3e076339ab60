"""Sentence pairs in each file format: the same pairs, and errors that name the place."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq import recipe
from seq2seq.data.pairs import Pair, file_pair
from seq2seq.errors import DataError
from tests.support.corpora import pair_file

DATA = recipe.Data()
SAMPLE = [("un, « deux »", 'one, "two"'), ("", "blank"), ("l'été\u2028là", "summer"), ("x", "y" * 500)]


def _as_tsv(path: Path, pairs: list[Pair]) -> None:
    path.write_bytes("".join(f"{source}\t{target}\n" for source, target in pairs).encode())


def _as_jsonl(path: Path, pairs: list[Pair]) -> None:
    path.write_bytes("".join(json.dumps({"fr": source, "en": target}) + "\n" for source, target in pairs).encode())


def _as_csv(path: Path, pairs: list[Pair]) -> None:
    file = io.StringIO()
    csv.writer(file).writerows([("id", "target", "source"), *((i, *pair[::-1]) for i, pair in enumerate(pairs))])
    path.write_bytes(file.getvalue().encode())


def _as_parquet(path: Path, pairs: list[Pair]) -> None:
    rows = [{"fr": source, "en": target} for source, target in pairs]
    pyarrow.parquet.write_table(pyarrow.table({"id": range(len(rows)), "translation": rows}), path)


FORMATS = {".tsv": _as_tsv, ".jsonl": _as_jsonl, ".csv": _as_csv, ".parquet": _as_parquet}


@pytest.mark.parametrize("suffix", FORMATS)
def test_each_format_gives_the_pairs_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"pairs{suffix}"
    FORMATS[suffix](path, SAMPLE)
    text = pair_file(path, DATA)
    assert list(text.read()) == list(text.read()) == SAMPLE
    assert text.origin == str(path)


@pytest.mark.parametrize("suffix", [".tsv", ".jsonl", ".csv"])
def test_text_formats_may_be_compressed(tmp_path: Path, suffix: str) -> None:
    plain = tmp_path / f"pairs{suffix}"
    FORMATS[suffix](plain, SAMPLE)
    path = tmp_path / f"pairs{suffix}.gz"
    path.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(pair_file(path, DATA).read()) == SAMPLE


_side = st.text(st.characters(exclude_characters="\n\r\t\ufeff", exclude_categories=["Cs"]))


@pytest.mark.parametrize("suffix", FORMATS)
@given(pairs=st.lists(st.tuples(_side, _side), min_size=1, max_size=5))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, suffix: str, pairs: list[Pair]) -> None:
    path = tmp_path_factory.mktemp("any") / f"pairs{suffix}"
    FORMATS[suffix](path, [("un deux", "one two"), *pairs])
    assert list(pair_file(path, DATA).read())[1:] == pairs


def test_the_checksum_follows_the_contents(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    _as_tsv(path, SAMPLE)
    before = pair_file(path, DATA).checksum()
    _as_tsv(path, SAMPLE[1:])
    assert pair_file(path, DATA).checksum() != before


@pytest.mark.parametrize(
    "row",
    [
        {"fr": "un", "en": "one"},
        {"translation": {"fr": "un", "en": "one"}},
        {"source": "un", "target": "one", "id": 4},
        {"source": "x", "target": "y", "fr": "un", "en": "one"},
    ],
)
def test_columns_are_found_by_language_or_as_source_and_target(tmp_path: Path, row: dict[str, Any]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert list(pair_file(path, DATA).read()) == [("un", "one")]


def test_line_ends_within_a_side_become_blanks_and_null_is_blank_text(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"fr": "a\\nb\\r\\nc", "en": null}\n{"fr": "\\ud800x", "en": "y"}\n', encoding="utf-8")
    assert list(pair_file(path, DATA).read()) == [("a b c", ""), ("\ufffdx", "y")]


def test_quoted_csv_may_hold_line_ends_and_commas(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'fr,en\r\n"un,\r\ndeux","one, ""two"""\r\n\r\ntrois,three\r\n')
    assert list(pair_file(path, DATA).read()) == [("un, deux", 'one, "two"'), ("trois", "three")]


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("a.tsv", "un\tone\ndeux two\n", r"a\.tsv, line 2: no tab in 'deux two'; each line is source, tab, target"),
        ("a.jsonl", '{"fr": "a", "en": "b"}\n{"fr"\n', r"a\.jsonl, line 2: not JSON"),
        ("a.jsonl", "[1]\n", r"a\.jsonl, line 1: '\[1\]' is not a JSON object"),
        ("a.jsonl", "[" * 100_000 + "\n", r"a\.jsonl, line 1: not JSON"),
        ("a.jsonl", '{"fr": "a", "en": "b"}\n{"fr": "a"}\n', r"a\.jsonl, line 2: no column en; there are: fr"),
        ("a.jsonl", '{"fr": "a", "en": 3.10}\n', r"a\.jsonl, line 1, column en: 3\.1 is not text"),
        (
            "a.jsonl",
            '{"de": "a", "en": "b"}\n',
            r"no columns fr and en, nor source and target; there are: de, en; rename",
        ),
        ("a.csv", "de,en\na,b\n", r"a\.csv has no columns fr and en, nor source and target; there are: de, en"),
        ("a.csv", "fr,en\na,b,c\n", r"a\.csv, line 2: 3 columns, 2 in the first line; quote text that holds a comma"),
        ("a.csv", "fr,en\na,b\na\n", r"a\.csv, line 3: 1 columns, 2 in the first line"),
        ("a.csv", 'fr,en\n"a,b\nc,d\n', r"a\.csv, line 3: not CSV \(unexpected end of data\); look for a quote"),
        ("a.parquet", "PAR1 but not really", r"a\.parquet is not a whole parquet file of text"),
        ("a.txt", "x\n", r"a\.txt: pairs are read from \.tsv, \.jsonl, \.csv or \.parquet; rename or convert it"),
        ("a.parquet.gz", "x\n", r"a\.parquet\.gz: pairs are read from"),
        ("a", "x\n", r"a: pairs are read from"),
    ],
)
def test_what_cannot_be_used_is_said_with_its_place(tmp_path: Path, name: str, contents: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(contents, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        list(pair_file(path, DATA).read())


def test_a_cut_parquet_file_and_one_of_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    _as_parquet(path, SAMPLE * 100)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="is not a whole parquet file"):
        list(pair_file(path, DATA).read())
    pyarrow.parquet.write_table(pyarrow.table({"a": ["x"], "fr": ["y"]}), path)
    with pytest.raises(DataError, match="no columns fr and en, nor source and target; there are: a, fr"):
        list(pair_file(path, DATA).read())
    pyarrow.parquet.write_table(pyarrow.table({"en": [1, 2], "fr": ["y", "z"]}), path)
    with pytest.raises(DataError, match=r"a\.parquet, row 1, column en: 1 is not text"):
        list(pair_file(path, DATA).read())


def _open_pair(path: Path) -> object:
    return pair_file(path, DATA)


def _open_sides(path: Path) -> object:
    return file_pair(path, path)


@pytest.mark.parametrize("open_it", [_open_pair, _open_sides])
def test_files_that_are_no_text_are_refused_at_once(tmp_path: Path, open_it: Callable[[Path], object]) -> None:
    missing, folder, empty, pipe = (tmp_path / f"{name}.tsv" for name in ("missing", "folder", "empty", "pipe"))
    folder.mkdir()
    empty.touch()
    os.mkfifo(pipe)
    for path, message in (
        (missing, "no file .*missing.tsv; check the path"),
        (folder, "is a folder; name a file in it"),
        (empty, "is empty; check how it was made"),
        (pipe, "is a pipe or a device"),
    ):
        with pytest.raises(DataError, match=message):
            open_it(path)
