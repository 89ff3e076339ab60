from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from seq2seq import recipe
from seq2seq.data.corpora import Corpus, Pair, find
from seq2seq.data.fetch import fetch, write
from seq2seq.data.formats import Text
from seq2seq.errors import DataError
from tests.data.samples import pairs, text

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
    heard: list[int] = []
    written = fetch(data, tmp_path / "mirror", heard.append)
    assert {path.name for path in written} == NAMES == {path.name for path in (tmp_path / "mirror" / "tiny").iterdir()}
    assert heard == [39]
    monkeypatch.setenv("SEQX_DATA", str(tmp_path / "mirror"))
    corpus = find(data)
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
    write(Corpus("tiny", "files", (whole,), whole, whole), data, tmp_path)
    with pytest.raises(DataError, match="gone"):
        write(Corpus("tiny", "files", (text(pairs(9)),), whole, Text("b", broken, lambda: "")), data, tmp_path)
    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "tiny").iterdir()} == dict.fromkeys(
        NAMES, "old\n"
    )


def test_all_of_the_training_text_is_written(tmp_path: Path) -> None:
    one, two = text([("a", "b")]), text([("c", "d")])
    write(Corpus("tiny", "files", (one, two), one, one), recipe.Data(corpus="tiny", source="x", target="y"), tmp_path)
    assert (tmp_path / "tiny" / "train.x").read_text(encoding="utf-8") == "a\nc\n"
    assert (tmp_path / "tiny" / "train.y").read_text(encoding="utf-8") == "b\nd\n"


def test_what_cannot_be_fetched_says_what_to_do(tmp_path: Path, data: recipe.Data) -> None:
    with pytest.raises(DataError, match=r"corpus tatoeba has no place on the Hub; set data\.hub\.path"):
        fetch(recipe.Data(corpus="tatoeba"), tmp_path)
    gone = data.model_copy(update={"hub": recipe.Hub(path=str(tmp_path / "gone"))})
    with pytest.raises(
        DataError, match=r"cannot be had from the Hugging Face Hub .*; check the connection, or set SEQX_DATA"
    ):
        fetch(gone, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot write .*: .*; make room there, or choose another folder"):
        fetch(data, tmp_path / "file")
