"""Tables as people have them: other delimiters, headings, orders, encodings, compressions."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow  # type: ignore[import-untyped]
import pytest

from seq2seq import recipe
from seq2seq.data.corpus import Given
from seq2seq.data.lines import Reading
from seq2seq.data.pairs import file_pair
from seq2seq.errors import DataError
from tests.support.corpora import find_pairs, pair_file, text_files

DATA = recipe.Data()
PAIRS = [("Oui, merci", "Yes, thanks"), ("Bonjour", "Hello; hi"), ('Il dit "non"', "He says no")]


def _write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "contents",
    [
        'fr;en\nOui, merci;Yes, thanks\nBonjour;"Hello; hi"\n"Il dit ""non""";He says no\n',
        '"fr";"en"\r\n"Oui, merci";"Yes, thanks"\r\n"Bonjour";"Hello; hi"\r\n"Il dit ""non""";"He says no"\r\n',
        'sep=;\nen;fr\nYes, thanks;Oui, merci\n"Hello; hi";Bonjour\nHe says no;"Il dit ""non"""\n',
        'French\tEnglish\nOui, merci\tYes, thanks\nBonjour\tHello; hi\n"Il dit ""non"""\tHe says no\n',
        'id|target|source\n1|Yes, thanks|Oui, merci\n2|Hello; hi|Bonjour\n3|He says no|"Il dit ""non"""\n',
        '\ufeffsentence_en,sentence_fr\n"Yes, thanks","Oui, merci"\nHello; hi,Bonjour\nHe says no,"Il dit ""non"""\n',
    ],
)
def test_what_parts_the_columns_of_csv_and_what_names_them_is_seen(tmp_path: Path, contents: str) -> None:
    assert list(pair_file(_write(tmp_path / "a.csv", contents), DATA).read()) == PAIRS


@pytest.mark.parametrize(
    "contents",
    [
        'Oui, merci\tYes, thanks\nBonjour\tHello; hi\nIl dit "non"\tHe says no\n',
        'fr\ten\nOui, merci\tYes, thanks\nBonjour\tHello; hi\nIl dit "non"\tHe says no\n',
        'English\tFrench\tby\nYes, thanks\tOui, merci\tx\nHello; hi\tBonjour\ty\nHe says no\tIl dit "non"\tz\n',
        'id\ttext_en\ttext_fr\n1\tYes, thanks\tOui, merci\n2\tHello; hi\tBonjour\n3\tHe says no\tIl dit "non"\n',
        '"fr"\t"en"\n"Oui, merci"\t"Yes, thanks"\n"Bonjour"\t"Hello; hi"\n"Il dit ""non"""\t"He says no"\n',
        'trg\tsrc\nYes, thanks\tOui, merci\nHello; hi\tBonjour\nHe says no\tIl dit "non"\n',
        'en-GB\tfr-FR\nYes, thanks\tOui, merci\nHello; hi\tBonjour\nHe says no\tIl dit "non"\n',
    ],
)
def test_a_heading_of_tsv_orders_its_columns_and_is_no_pair(tmp_path: Path, contents: str) -> None:
    assert list(pair_file(_write(tmp_path / "a.tsv", contents), DATA).read()) == PAIRS


@pytest.mark.parametrize(
    "first", ["Do you speak French?\tParlez-vous anglais ?", "English\tanglais", "source\tsource", "text\ttexte"]
)
def test_a_pair_that_speaks_of_languages_is_no_heading(tmp_path: Path, first: str) -> None:
    data = recipe.Data(source="en", target="fr")
    path = _write(tmp_path / "a.tsv", f"{first}\nHello\tBonjour\n")
    assert list(pair_file(path, data).read()) == [tuple(first.split("\t")), ("Hello", "Bonjour")]


TATOEBA = "1276\tOui.\t8123\tYes.\n1277\tNon.\t8124\tNo.\n1278\tPeut-être.\t8125\tMaybe.\n"


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (TATOEBA, r"a\.tsv: column 1 of 4 holds numbers alone; columns 2 and 4 look like text: .*--columns 2,4 \("),
        ("id\ttext\ttext\n" + TATOEBA, "column 1 of 3 holds numbers alone; columns 2 look like|column 1 of 3 holds"),
        ("Oui.\t1\nNon.\t2\n", r"column 2 of 2 holds numbers alone: name the two by --columns SOURCE,TARGET"),
        (
            "".join(f"fra\tphrase {word}\teng\tsentence {word}\n" for word in "abcde"),
            "column 1 of 4 holds 'fra' in every line; columns 2 and 4 look like text",
        ),
    ],
)
def test_columns_that_are_no_text_are_questioned(tmp_path: Path, contents: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        pair_file(_write(tmp_path / "a.tsv", contents), DATA)


def test_columns_are_those_that_the_user_names(tmp_path: Path) -> None:
    export = _write(tmp_path / "a.tsv", TATOEBA)
    text = pair_file(export, DATA, Reading(columns=("2", "4")))
    assert list(text.read()) == [("Oui.", "Yes."), ("Non.", "No."), ("Peut-être.", "Maybe.")]
    assert "columns 2, 4" in text.origin
    assert next(pair_file(export, DATA, Reading(columns=("1", "2"))).read()) == ("1276", "Oui.")  # if they say so
    titled = _write(tmp_path / "b.csv", "n;Traduction;Phrase\n1;Yes.;Oui.\n2;No.;Non.\n")
    for columns in (("Phrase", "Traduction"), ("3", "2")):
        assert list(pair_file(titled, DATA, Reading(columns=columns)).read()) == [("Oui.", "Yes."), ("Non.", "No.")]
    bare = _write(tmp_path / "c.csv", "Oui.;Yes.\nNon.;No.\n")
    assert next(pair_file(bare, DATA, Reading(columns=("1", "2"))).read()) == ("Oui.", "Yes.")
    lines = _write(tmp_path / "d.jsonl", '{"x": {"de": "Ja.", "it": "Sì."}, "n": 1}\n')
    assert list(pair_file(lines, DATA, Reading(columns=("x.it", "x.de"))).read()) == [("Sì.", "Ja.")]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("2",), r"--columns 2: .*2 columns \(source, target\)"),
        (("2", "9"), r"--columns 2,9: .*no column 9; there are 4: 1276, Oui\., 8123, Yes\."),
        (("0", "1"), "no column 0"),
        (("fr", "en"), "no column fr"),
    ],
)
def test_columns_that_are_not_there_are_said(tmp_path: Path, columns: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        pair_file(_write(tmp_path / "a.tsv", TATOEBA), DATA, Reading(columns=columns))


def test_columns_without_a_table_are_an_error(tmp_path: Path) -> None:
    side = _write(tmp_path / "a", "un\n")
    for given in ({}, {"train": Given(side, side)}):
        with pytest.raises(DataError, match="--columns"):
            find_pairs(DATA, given, reading=Reading(columns=("1", "2")))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (
            "fr;en\nun;one\ndeux;two;three\n",
            "line 3: 3 columns, 2 in the first line; quote text that holds a semicolon",
        ),
        ('fr;en\nun;"one\ndeux;two\n', "line 3: not CSV .*a quote that is not closed, from line 2 on"),
        ('fr,en\n"un" x,one\n', "line 2: not CSV .*write a quote within quoted text twice"),
        ("Phrase;Satz\nun;eins\n", "no columns fr and en, .*there are: Phrase, Satz; .*--columns SOURCE,TARGET"),
        ("fr,en\rdeux,two\r", "line 1 holds carriage returns"),
    ],
)
def test_hints_fit_what_is_wrong(tmp_path: Path, contents: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(pair_file(_write(tmp_path / "a.csv", contents), DATA).read())


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-be", "mac-roman"])
def test_other_encodings_are_read_when_named(tmp_path: Path, encoding: str) -> None:
    reading = Reading(encoding)
    path = _write(tmp_path / "a.csv", "fr;en\nl'été déjà;summer already\n", encoding)
    assert list(pair_file(path, DATA, reading).read()) == [("l'été déjà", "summer already")]
    side = _write(tmp_path / "a.fr", "l'été\r\n" * 100_000 + "déjà", encoding)
    assert sum(pair == ("l'été", "l'été") for pair in file_pair(side, side, reading).read()) == 100_000
    text = _write(tmp_path / "a.txt", "l'été\r\ndéjà", encoding)
    assert list(text_files([text], recipe.Data(), reading).read()) == ["l'été\ndéjà"]


def test_a_byte_that_is_not_of_the_named_encoding_has_its_line(tmp_path: Path) -> None:
    side = _write(tmp_path / "a.fr", "fine\n" * 50_000 + "l'\x81\n", "latin-1")
    with pytest.raises(DataError, match=r"a\.fr, line 50001: byte 0x81 is not cp1252"):
        list(file_pair(side, side, Reading("cp1252")).read())


def _zstd(raw: bytes) -> bytes:
    compressed: bytes = pyarrow.compress(raw, codec="zstd", asbytes=True)
    return compressed


COMPRESSIONS = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress, "zst": _zstd}


@pytest.mark.parametrize("kind", COMPRESSIONS)
@pytest.mark.parametrize("name", ["a.{}", "a"])
def test_compression_is_known_by_the_bytes(tmp_path: Path, kind: str, name: str) -> None:
    compress: Callable[[bytes], bytes] = COMPRESSIONS[kind]
    raw = "".join(f"{fr}\n" for fr, _ in PAIRS).encode()
    path = tmp_path / name.format(kind)
    path.write_bytes(compress(raw))
    assert [left for left, _ in file_pair(path, path).read()] == [fr for fr, _ in PAIRS]
    path.write_bytes(compress(raw * 1000)[:-9])
    with pytest.raises(DataError, match=r"is not a whole .* file"):
        list(file_pair(path, path).read())


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_tables_and_texts_may_be_compressed(tmp_path: Path, kind: str) -> None:
    compress: Callable[[bytes], bytes] = COMPRESSIONS[kind]
    table, rows, text = (tmp_path / f"a.{suffix}.{kind}" for suffix in ("csv", "jsonl", "txt"))
    table.write_bytes(compress(b"fr;en\nun;one\n"))
    rows.write_bytes(compress(json.dumps({"fr": "un", "en": "one"}).encode()))
    text.write_bytes(compress(b"one\ntwo"))
    assert list(pair_file(table, DATA).read()) == list(pair_file(rows, DATA).read()) == [("un", "one")]
    assert list(text_files([text], recipe.Data()).read()) == ["one\ntwo"]


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"PK\x03\x04rest", "is a zip archive"),
        (b"%PDF-1.7\n", "is a PDF document"),
        (b"\x04\x22\x4d\x18rest", "compressed by lz4"),
        (b"a.fr".ljust(257, b"\0") + b"ustar  ", "is a tar archive"),
    ],
)
def test_what_is_no_text_is_called_by_its_name(tmp_path: Path, contents: bytes, message: str) -> None:
    path = tmp_path / "a.fr"
    path.write_bytes(contents)
    with pytest.raises(DataError, match=message):
        list(file_pair(path, path).read())


def test_running_text_has_a_column_too(tmp_path: Path) -> None:
    data = recipe.Data()
    path = _write(tmp_path / "a.csv", 'id;story\n1;"Once; upon a time there was"\n2;And so on it went\n')
    for column in ("story", "2"):
        documents = text_files([path], data, Reading(columns=(column,)))
        assert list(documents.read()) == ["Once; upon a time there was", "And so on it went"]
    with pytest.raises(DataError, match="no column text; there are: id, story; rename one, or say which by --columns"):
        text_files([path], data)
