"""A local mirror: filled whole or not at all, and found again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from seq2seq import recipe
from seq2seq.data.corpus import Corpus
from seq2seq.data.documents import DocumentKind, Documents
from seq2seq.data.fetch import fetch, write
from seq2seq.data.pairs import Pair, PairKind, PairSource
from seq2seq.errors import DataError
from tests.support.corpora import find_pairs, find_text
from tests.support.samples import pairs, text

NAMES = {"train.fr", "train.en", "dev.fr", "dev.en", "test.fr", "test.en"}


@pytest.fixture
def data(tmp_path: Path) -> recipe.Data:
    folder = tmp_path / "hub"
    folder.mkdir()
    for name, count in (("train", 30), ("validation", 4), ("test", 5)):
        rows = [{"fr": f"{source}\u2028\x85", "en": f"{target}\r\nmore\rof\nit"} for source, target in pairs(count)]
        pyarrow.parquet.write_table(pyarrow.table({"translation": rows}), folder / f"{name}-00000-of-00001.parquet")
    return recipe.Data(corpus="tiny", hub=recipe.Hub(path=str(folder)))


def test_what_was_fetched_is_found_through_seqx_data(
    tmp_path: Path, data: recipe.Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = fetch(PairKind(data), tmp_path / "mirror")
    assert {path.name for path in written} == NAMES == {path.name for path in (tmp_path / "mirror" / "tiny").iterdir()}
    monkeypatch.setenv("SEQX_DATA", str(tmp_path / "mirror"))
    corpus = find_pairs(data)
    assert corpus is not None
    assert corpus.found == "mirror"
    expected = [(f"{source}\u2028\x85", f"{target} more of it") for source, target in pairs(30)]
    assert list(corpus.train[0].read()) == expected
    assert [len(list(each.read())) for each in (corpus.dev, corpus.test)] == [4, 5]


def test_a_broken_transfer_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    def broken() -> Iterator[Pair]:
        yield "un", "one"
        raise DataError("gone")

    data, whole = recipe.Data(corpus="tiny"), text([("old", "old")])
    write(Corpus("tiny", "files", (whole,), whole, whole), PairKind(data), tmp_path)
    with pytest.raises(DataError, match="gone"):
        write(
            Corpus("tiny", "files", (text(pairs(9)),), whole, PairSource("b", broken, lambda: "")),
            PairKind(data),
            tmp_path,
        )
    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "tiny").iterdir()} == dict.fromkeys(
        NAMES, "old\n"
    )


def test_all_of_the_training_text_is_written(tmp_path: Path) -> None:
    one, two = text([("a", "b")]), text([("c", "d")])
    write(
        Corpus("tiny", "files", (one, two), one, one),
        PairKind(recipe.Data(corpus="tiny", source="x", target="y")),
        tmp_path,
    )
    assert (tmp_path / "tiny" / "train.x").read_text(encoding="utf-8") == "a\nc\n"
    assert (tmp_path / "tiny" / "train.y").read_text(encoding="utf-8") == "b\nd\n"


def test_what_cannot_be_fetched_says_what_to_do(tmp_path: Path, data: recipe.Data) -> None:
    with pytest.raises(DataError, match=r"corpus tatoeba has no place on the Hub; set data\.hub\.path"):
        fetch(PairKind(recipe.Data(corpus="tatoeba")), tmp_path)
    gone = data.model_copy(update={"hub": recipe.Hub(path=str(tmp_path / "gone"))})
    with pytest.raises(
        DataError,
        match=r"cannot be fetched from the Hugging Face Hub .*; check the connection and .*, or set SEQX_DATA",
    ):
        fetch(PairKind(gone), tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot write .*: .*; free some space there, or choose another folder"):
        fetch(PairKind(data), tmp_path / "file")


def _documents(*of: str) -> Documents:
    return Documents("made", lambda: iter(of), lambda: "")


def test_running_text_is_written_whole_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = recipe.Data(corpus="tiny")
    one, several = _documents("a line\u2028\r\n" * 3 + "no end"), _documents("one\ntwo", "", "three \x0b\r")
    monkeypatch.setenv("SEQX_DATA", str(tmp_path))
    for corpus, names in (
        (Corpus("tiny", "hub", (one,), several, one), ["train.txt", "dev.jsonl", "test.txt"]),
        (Corpus("tiny", "hub", (several,), one, one), ["train.jsonl", "dev.txt", "test.txt"]),
    ):
        assert [path.name for path in write(corpus, DocumentKind(data), tmp_path)] == names
        assert {path.name for path in (tmp_path / "tiny").iterdir()} == set(names)
        found = find_text(data)
        assert found is not None
        for own, part in ((corpus.train[0], found.train[0]), (corpus.dev, found.dev), (corpus.test, found.test)):
            assert list(part.read()) == [document.replace("\r\n", "\n") for document in own.read()]


def test_a_broken_transfer_of_text_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield "one"
        yield "two"
        raise DataError("gone")

    data, whole = recipe.Data(corpus="tiny"), _documents("old")
    write(Corpus("tiny", "hub", (whole,), whole, whole), DocumentKind(data), tmp_path)
    with pytest.raises(DataError, match="gone"):
        write(
            Corpus("tiny", "hub", (_documents("new"),), Documents("", broken, lambda: ""), whole),
            DocumentKind(data),
            tmp_path,
        )
    kept = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "tiny").iterdir()}
    assert kept == {"train.txt": "old", "dev.txt": "old", "test.txt": "old"}


def test_text_that_cannot_be_fetched_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"set data\.hub\.path, or put train, dev and test files into .*tiny yourself"):
        fetch(DocumentKind(recipe.Data(corpus="tiny")), tmp_path)
    with pytest.raises(DataError, match="cannot be fetched from the Hugging Face Hub"):
        fetch(DocumentKind(recipe.Data(corpus="tiny", hub=recipe.Hub(path=str(tmp_path / "gone")))), tmp_path)
