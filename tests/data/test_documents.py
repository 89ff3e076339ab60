"""Running text: its formats, its pieces, where it is found, and what is held out."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq import recipe
from seq2seq.data import documents
from seq2seq.data import pieces as cutting
from seq2seq.data.corpus import SPLITS, Corpus, SplitName
from seq2seq.data.documents import Documents, hold_out, streamed
from seq2seq.data.lines import Reading
from seq2seq.data.pieces import cut_at_lines, lines_of
from seq2seq.errors import DataError, MissingCorpusError
from tests.support.corpora import find_text, text_files

DATA = recipe.Data(corpus="tiny")
SAMPLE = ["Hal:\nTwo lines,\n\nand more.\n", "l'été\u2028là\x0b\r", "", 'one, "two"\nno end', "x" * 200_000 + "\n"]


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEQX_DATA", raising=False)


def _write(path: Path, contents: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(contents.encode() if isinstance(contents, str) else contents)
    return path


def _jsonl(path: Path, of: Sequence[str], column: str = "text") -> Path:
    return _write(path, "".join(json.dumps({"id": 1, column: each}) + "\n" for each in of))


def _csv(path: Path, of: Sequence[str]) -> Path:
    file = io.StringIO()
    file.write("id,text\n")
    for each in of:
        file.write('1,"' + each.replace('"', '""') + '"\n')
    return _write(path, file.getvalue())


def _parquet(path: Path, of: Sequence[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table({"id": list(range(len(of))), "text": list(of)}), path)
    return path


def made(of: Sequence[str], origin: str = "made") -> Documents:
    return Documents(origin, lambda: iter(of), lambda: repr(of))


def _numbered_lines(count: int, name: str = "line") -> str:
    return "".join(f"{name} {number}\n" for number in range(count))


def _parts(corpus: Corpus[Documents] | None) -> list[list[str]]:
    assert corpus is not None
    return [list(part.read()) for part in (corpus.train[0], corpus.dev, corpus.test)]


@pytest.mark.parametrize("make", [_jsonl, _csv, _parquet])
def test_rows_are_documents_and_come_back_as_they_were(
    tmp_path: Path, make: Callable[[Path, Sequence[str]], Path]
) -> None:
    path = make(tmp_path / f"a.{make.__name__.removeprefix('_')}", SAMPLE)
    found = text_files([path], DATA)
    assert list(found.read()) == list(found.read()) == SAMPLE
    assert "".join(text for text, _ in found.pieces()) == "".join(SAMPLE)
    assert (found.origin, len(found.checksum())) == (str(path), 64)
    if path.suffix != ".parquet":
        zipped = _write(path.with_name(f"{path.name}.gz"), gzip.compress(path.read_bytes()))
        assert list(text_files([zipped], DATA).read()) == SAMPLE


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ("one\ntwo\n", "one\ntwo\n"),
        ("one\r\ntwo", "one\ntwo"),
        ("\ufeffone\r\n\r\n", "one\n\n"),
        ("a\u2028b\x85c\x0bd\re\n", "a\u2028b\x85c\x0bd\re\n"),
        ("a\r\r\n", "a\r\n"),
        (" \ufeff\t\n", " \ufeff\t\n"),
    ],
)
def test_a_text_file_is_one_document_that_keeps_its_line_ends(tmp_path: Path, contents: str, expected: str) -> None:
    plain, zipped = tmp_path / "a.txt", tmp_path / "b.txt.gz"
    _write(plain, contents)
    _write(zipped, gzip.compress(contents.encode()))
    assert list(text_files([plain], DATA).read()) == list(text_files([zipped], DATA).read()) == [expected]
    row = _jsonl(tmp_path / "c.jsonl", [contents])
    assert list(text_files([row], DATA).read()) == [expected]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_file_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = _write(tmp_path_factory.mktemp("any") / "a.txt", f"begin\n{text}")
    assert list(text_files([path], DATA).read()) == [f"begin\n{text}".replace("\r\n", "\n")]


def test_several_files_and_folders_follow_one_another_in_order(tmp_path: Path) -> None:
    rows = _jsonl(tmp_path / "b" / "rows.jsonl", ["three", "four"])
    _write(tmp_path / "a" / "2.txt", "two")
    _write(tmp_path / "a" / "1" / "1.txt.gz", gzip.compress(b"one"))
    _write(tmp_path / "a" / "notes.md", "not text")
    found = text_files([tmp_path / "a", rows], DATA)
    assert list(found.read()) == ["one", "two", "three", "four"]
    assert found.origin == f"{tmp_path}/a/1/1.txt.gz, {tmp_path}/a/2.txt, {rows}"
    assert text_files([rows, *[tmp_path / "a"] * 2], DATA).origin.endswith("/2.txt and 2 more")
    assert found.checksum() != text_files([rows, tmp_path / "a"], DATA).checksum()


def test_the_column_is_the_one_of_the_hub_or_text(tmp_path: Path) -> None:
    data = recipe.Data(hub=recipe.Hub(path="x", text_column="story"))
    assert list(text_files([_jsonl(tmp_path / "a.jsonl", ["a"], "story")], data).read()) == ["a"]
    assert list(text_files([_jsonl(tmp_path / "b.jsonl", ["b"])], data).read()) == ["b"]
    with pytest.raises(DataError, match=r"c\.jsonl has no column story or text; there are: body, id; rename one"):
        list(text_files([_jsonl(tmp_path / "c.jsonl", ["c"], "body")], data).read())


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("a.txt", b"fine\nd\xe9j\xe0\n", r"a\.txt, line 2: byte 0xe9 is not UTF-8; .*--encoding cp1252"),
        ("a.txt", "bonjour le monde\n".encode("utf-16"), r"a\.txt is UTF-16, not UTF-8: add --encoding utf-16"),
        ("a.txt.gz", b"not gzip", r"a\.txt\.gz is not a whole gzip file"),
        ("a.txt", b"", r"a\.txt is empty; check how it was made"),
        ("a.md", b"text", r"a\.md: running text is read from \.txt, \.jsonl, \.csv or \.parquet; rename or convert it"),
        ("a.parquet.gz", b"text", "running text is read from"),
        ("a.jsonl", b'{"text": "a"}\n{"text": 3}\n', r"a\.jsonl, line 2, column text: 3 is not text"),
        ("a.csv", b'id,text\n1,"a\n', r"a\.csv, line 2: not CSV \(unexpected end of data\)"),
        ("a.parquet", b"PAR1 but not really", r"a\.parquet is not a whole parquet file of text"),
    ],
)
def test_what_cannot_be_used_is_said_with_its_place(tmp_path: Path, name: str, contents: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(text_files([_write(tmp_path / name, contents)], DATA).read())


def test_bytes_that_are_not_utf_8_may_be_replaced(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt", b"d\xe9j\xe0\r\n")
    assert list(text_files([path], DATA, Reading(errors="replace")).read()) == ["d\ufffdj\ufffd\n"]


def test_a_missing_file_and_a_folder_without_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*gone\.txt; check the path"):
        text_files([tmp_path / "gone.txt"], DATA)
    with pytest.raises(DataError, match=r"is a folder that holds none of \.txt, \.jsonl, \.csv, \.parquet; name"):
        text_files([tmp_path], DATA)


@given(st.lists(st.text("ab \n", max_size=40), max_size=6), st.integers(1, 12))
def test_pieces_are_whole_lines_and_make_up_the_documents(of: list[str], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "PIECE", size)
        pieces = list(made(of).pieces())
        assert list(streamed("again", lambda: iter(pieces), lambda: "").read()) == of
        for text, ends in pieces:
            assert ends or text.endswith("\n")
            assert len(text) < 2 * size + max((len(line) for line in lines_of(text)), default=1)
        cuts = [text for text, ends in pieces if not ends and len(text) < 2 * size]
        assert all(text[-2:-1].strip() for text in cuts)


def test_a_cut_is_where_no_tokenizer_joins_two_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "PIECE", 4)
    text = "one.\n\ntwo.\n  three\nfour\n(five)\n"
    assert [piece for piece, _ in cut_at_lines([text])] == [
        "one.\n\ntwo.\n",  # twice that length: cut after any line
        "  three\n",
        "four\n(five)\n",
    ]


@given(st.text("ab \n", max_size=80), st.integers(1, 12))
def test_blocks_play_no_part_in_where_the_cuts_are(text: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "PIECE", size)
        assert list(cut_at_lines(lines_of(text))) == list(cut_at_lines([text]))


def _given(folder: Path, **contents: str) -> dict[SplitName, Sequence[Path]]:
    return {split: [_write(folder / f"{split}.txt", contents[split])] for split in SPLITS if split in contents}


def test_files_come_before_the_mirror_and_the_mirror_before_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = recipe.Data(corpus="tiny", hub=_hub(tmp_path / "hub"))
    own = _given(tmp_path / "own", train="own train", dev="own dev", test="own test")
    for split in SPLITS:
        _write(tmp_path / "mirror" / "tiny" / f"{split}.txt", f"mirror {split}")
    monkeypatch.setenv("SEQX_DATA", str(tmp_path / "mirror"))
    found = [find_text(data, own), find_text(data, {"train": [], "dev": []})]
    monkeypatch.delenv("SEQX_DATA")
    found.append(find_text(data))
    with pytest.raises(MissingCorpusError, match=r"corpus tiny is not under \$SEQX_DATA"):
        find_text(DATA)
    assert [corpus.found for corpus in found] == ["files", "mirror", "hub"]
    assert [_parts(corpus) for corpus in found] == [
        [["own train"], ["own dev"], ["own test"]],
        [["mirror train"], ["mirror dev"], ["mirror test"]],
        [["hub train 0\n", "hub train 1\n"], ["hub validation 0\n"], ["hub test 0\n"]],
    ]


def _hub(folder: Path, column: str = "story") -> recipe.Hub:
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", 2), ("validation", 1), ("test", 1)):
        rows = [f"hub {name} {number}\r\n" for number in range(count)]
        pyarrow.parquet.write_table(pyarrow.table({column: rows}), folder / f"{name}-00000-of-00001.parquet")
    return recipe.Hub(path=str(folder), text_column=column)


def test_a_hub_column_that_is_not_there_is_named_and_a_split_that_is_not_there(tmp_path: Path) -> None:
    hub = _hub(tmp_path / "hub")
    with pytest.raises(DataError, match="row 1: no column text; there are: story"):
        find_text(recipe.Data(corpus="tiny", hub=hub.model_copy(update={"text_column": "text"})))
    with pytest.raises(MissingCorpusError, match="nosuch"):
        find_text(recipe.Data(corpus="tiny", hub=hub.model_copy(update={"dev": "nosuch"})))


def test_the_mirror_may_hold_rows_and_must_hold_enough_for_every_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQX_DATA", str(tmp_path))
    _jsonl(tmp_path / "tiny" / "train.jsonl", ["a", "b"])
    _write(tmp_path / "tiny" / "dev.txt", "c")
    with pytest.raises(
        DataError, match=r"tiny.train\.jsonl \(test part, test held out\): no text for test; give more text"
    ):
        find_text(DATA)
    _write(tmp_path / "tiny" / "test.txt", "d")
    assert _parts(find_text(DATA)) == [["a", "b"], ["c"], ["d"]]
    monkeypatch.setenv("SEQX_DATA", str(tmp_path / "gone"))
    with pytest.raises(DataError, match=r"SEQX_DATA = .*gone is not a folder"):
        find_text(DATA)


def test_the_tail_of_one_document_is_held_out(tmp_path: Path) -> None:
    corpus = find_text(DATA, _given(tmp_path, train=_numbered_lines(200)))
    ((train,), (dev,), (test,)) = _parts(corpus)
    assert train + dev + test == _numbered_lines(200)
    assert [part.count("\n") for part in (train, dev, test)] == [180, 10, 10]


@pytest.mark.parametrize("split", ["dev", "test"])
def test_only_what_is_missing_is_held_out(tmp_path: Path, split: SplitName) -> None:
    corpus = find_text(DATA, _given(tmp_path, **{"train": _numbered_lines(100), split: "my own"}))
    ((train,), (dev,), (test,)) = _parts(corpus)
    own, carved = (dev, test) if split == "dev" else (test, dev)
    assert own == "my own"
    assert (train + carved, carved.count("\n")) == (_numbered_lines(100), 5)


def test_every_document_of_a_few_gives_its_tail(tmp_path: Path) -> None:
    of = [_numbered_lines(40, "a"), "too\nshort", _numbered_lines(3, "b"), "", "one\ntwo\nthree\nfour"]
    corpus = find_text(DATA, {"train": [_jsonl(tmp_path / "a.jsonl", of)]})
    assert _parts(corpus) == [
        [_numbered_lines(36, "a"), "too\nshort", "b 0\n", "one\ntwo\n"],
        ["a 36\na 37\n", "b 1\n", "three\n"],
        ["a 38\na 39\n", "b 2\n", "four"],
    ]


@pytest.mark.parametrize("contents", ["one line alone", "two\nlines\n", "three\nbut blank\n\n", "\n\n\n\n\n"])
def test_text_too_small_to_hold_any_out_is_an_error(tmp_path: Path, contents: str) -> None:
    with pytest.raises(
        DataError, match=r"train\.txt .*: no text for (train|dev|test); give more text .* or files of its own for"
    ):
        find_text(DATA, _given(tmp_path, train=contents))


def test_files_without_any_to_train_on_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="files were given for dev, none to train on: give --data"):
        find_text(DATA, _given(tmp_path, dev="text"))


def test_broken_files_are_found_before_training(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.jsonl", '{"text": "fine"}\nnot JSON\n')
    with pytest.raises(DataError, match=r"a\.jsonl, line 2: not JSON"):
        find_text(DATA, {"train": [path]})


def test_repeated_documents_hold_out_no_more() -> None:
    once = [f"document {number}\nof two lines\n" for number in range(200)]
    parts = {split: list(part.read()) for split, part in hold_out(made(once * 10)).items()}
    assert [len(set(parts[split])) for split in SPLITS] == [192, 4, 4]
    few = [f"line {number}\n" * 40 for number in range(3)] * 10  # not 20 documents that differ
    parts = {split: list(part.read()) for split, part in hold_out(made(few)).items()}
    assert [len(parts[split]) for split in SPLITS] == [30, 30, 30]


def test_of_many_documents_whole_ones_are_held_out_by_content() -> None:
    of = [f"document {number}\nof two lines\n" for number in range(100)]
    of += [*of[:50], "", " \n"]
    forward, backward = hold_out(made(of)), hold_out(made(of[::-1]))
    parts = {split: list(forward[split].read()) for split in SPLITS}
    assert {split: set(found) for split, found in parts.items()} == {
        split: set(backward[split].read()) for split in SPLITS
    }
    assert sorted(document for found in parts.values() for document in found) == sorted(of)
    assert sum(len(set(found)) for found in parts.values()) == len(set(of))
    assert [len(set(parts[split])) for split in ("dev", "test")] == [2, 2]  # of 100 that differ
    assert {"", " \n"} <= set(parts["train"])


@pytest.mark.parametrize(("count", "whole"), [(19, False), (20, True)])
def test_twenty_documents_are_many(count: int, whole: bool) -> None:
    of = [_numbered_lines(20, f"d{number}") for number in range(count)]
    parts = hold_out(made(of), ["test"])
    train, test = (list(parts[split].read()) for split in ("train", "test"))
    assert (len(train), len(test)) == ((19, 1) if whole else (19, 19))
    assert [set(train) <= set(of), set(test) <= set(of)] == [whole, whole]


@given(st.lists(st.text("ab\n", max_size=60), min_size=1, max_size=5), st.integers(1, 30))
def test_what_is_held_out_and_what_is_left_make_up_the_text(of: list[str], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "PIECE", size)
        parts = {split: list(part.pieces()) for split, part in hold_out(made(of)).items()}
    counts = {split: sum(text.count("\n") for text, _ in pieces) for split, pieces in parts.items()}
    assert sum(counts.values()) == "".join(of).count("\n")
    assert sum(len(text) for pieces in parts.values() for text, _ in pieces) == len("".join(of))
    if len(of) == 1:
        assert "".join(text for split in ("train", "dev", "test") for text, _ in parts[split]) == of[0]


def test_a_large_document_is_never_whole_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "PIECE", 1000)

    def lines() -> Iterator[str]:
        return (f"line {number} of very many\n" for number in range(20_000))

    large = streamed("large", lambda: cut_at_lines(lines()), lambda: "")
    for part in (large, *hold_out(large).values()):
        longest = max(len(text) for text, _ in part.pieces())
        assert longest <= 1100


def test_a_record_has_the_keys_of_a_corpus_of_pairs(tmp_path: Path) -> None:
    corpus = find_text(DATA, _given(tmp_path, train=_numbered_lines(50)))
    assert corpus is not None
    record = json.loads(json.dumps(corpus.record()))
    assert (record["name"], record["found"], len(record["train"])) == ("files", "files", 1)
    parts = [*record["train"], record["dev"], record["test"]]
    assert {frozenset(part) for part in parts} == {frozenset({"origin", "sha256", "content"})}
    assert len({part["sha256"] for part in parts}) == 3
    assert record["dev"]["origin"] == f"{tmp_path}/train.txt (dev part, dev and test held out)"


def test_the_bundled_play_is_cut_between_speeches() -> None:
    data = recipe.Data(corpus="play")
    corpus = find_text(data)
    assert corpus is not None
    assert corpus.found == "bundled"
    ((train,), (dev,), (test,)) = _parts(corpus)
    whole = Path(documents.__file__).parent.joinpath("bundled", "play.txt").read_text(encoding="utf-8")
    assert train + dev + test == whole
    assert train.endswith("\n\n")
    assert dev.endswith("\n\n")
    assert 0.8 < len(train) / len(whole) < 0.93
    assert min(len(dev), len(test)) > 0.02 * len(whole)
    assert len({part.checksum() for part in (*corpus.train, corpus.dev, corpus.test)}) == 3
