"""Kinds of record from outside the package: a class each; files, mirror, hold-out, digest and audit follow."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from seq2seq.data.audit import Tally, audit
from seq2seq.data.corpus import SPLITS, Corpus, Given, Source
from seq2seq.data.fetch import fetch, write
from seq2seq.data.lines import PLAIN, Reading
from seq2seq.data.records import Kind
from seq2seq.data.sources import find
from seq2seq.errors import DataError
from seq2seq.recipe import Data, Hub


class Labelled(NamedTuple):
    text: str
    label: str


class LabelledKind(Kind[Labelled, Source[Labelled]]):
    """Text and its class."""

    noun = "example"
    reads = "examples"
    record_type = Labelled
    numbers = ("label",)


class LabelledTally(Tally[Labelled]):
    """Also labels that are none."""

    findings = ("unknown_label",)

    def checks(self, record: Labelled, shown: Sequence[str]) -> Iterator[str]:
        if record.label not in ("0", "1"):
            yield "unknown_label"


class Comparison(NamedTuple):
    prompt: str
    chosen: str
    rejected: str


class ComparisonKind(Kind[Comparison, Source[Comparison]]):
    """Two answers to a prompt, the better one first; no prompt is both trained on and judged on."""

    noun = "comparison"
    record_type = Comparison

    def held_out_by(self, record: Comparison) -> Sequence[str]:
        return (record.prompt,)


DATA = Data(corpus="tiny")
LABELLED = LabelledKind(DATA)
ROWS = [Labelled(f'film {number}, "good" or\nnot', str(number % 2)) for number in range(60)]


def _csv(rows: Sequence[Labelled], delimiter: str) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerows([("number", "label", "text"), *((index, row.label, row.text) for index, row in enumerate(rows))])
    return file.getvalue().encode()


def _json(rows: Sequence[Labelled]) -> bytes:
    return "".join(json.dumps({"text": row.text, "label": int(row.label)}) + "\n" for row in rows).encode()


def _parquet(rows: Sequence[Labelled]) -> bytes:
    file = io.BytesIO()
    labels = [int(row.label) for row in rows]
    pyarrow.parquet.write_table(pyarrow.table({"label": labels, "text": [row.text for row in rows]}), file)
    return file.getvalue()


FORMATS: dict[str, Callable[[Sequence[Labelled]], bytes]] = {
    "rows.csv": lambda rows: _csv(rows, ","),
    "semicolons.csv": lambda rows: _csv(rows, ";"),
    "rows.jsonl": _json,
    "rows.parquet": _parquet,
    "named.csv.gz": lambda rows: gzip.compress(_csv(rows, ",")),
    "gz.csv": lambda rows: gzip.compress(_csv(rows, ",")),
    "xz.jsonl": lambda rows: lzma.compress(_json(rows)),
    "bz2.jsonl": lambda rows: bz2.compress(_json(rows)),
    "zst.jsonl": lambda rows: bytes(pyarrow.compress(_json(rows), codec="zstd", asbytes=True)),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_and_compression_gives_the_same_records(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(FORMATS[name](ROWS))
    (tmp_path / "plain.jsonl").write_bytes(_json(ROWS))
    source, plain = (LABELLED.file(tmp_path / each, PLAIN) for each in (name, "plain.jsonl"))
    assert list(source.read()) == list(plain.read()) == ROWS
    assert source.checksum() == plain.checksum() == source.record()["content"]


def test_tables_without_names_are_read_by_the_columns_that_the_user_names(tmp_path: Path) -> None:
    path = tmp_path / "rows.tsv"
    path.write_text("1\ta film\n0\tanother\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"rows\.tsv has no columns text, label; there are: 1, a film; rename them, or"):
        LABELLED.file(path, PLAIN)
    named = LABELLED.file(path, Reading(columns=("2", "1")))
    assert list(named.read()) == [("a film", "1"), ("another", "0")]
    with pytest.raises(DataError, match=r"is read by 2 columns \(text, label\), by name or number"):
        LABELLED.file(path, Reading(columns=("2",)))
    with pytest.raises(DataError, match=r"a\.txt: examples are read from \.tsv, \.jsonl, \.csv or \.parquet"):
        LABELLED.file(tmp_path / "a.txt", PLAIN)


def test_what_changes_while_it_is_used_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(_json(ROWS))
    source = LABELLED.file(path, PLAIN)
    assert len(list(source.read())) == 60
    path.write_bytes(_json(ROWS[1:]))
    with pytest.raises(DataError, match=r"rows\.jsonl changed since this command first read it"):
        list(source.read())


def test_files_are_joined_and_dev_and_test_are_held_out_by_content(tmp_path: Path) -> None:
    for name, rows in (("a.jsonl", ROWS[:40]), ("b.jsonl", ROWS[20:])):
        (tmp_path / name).write_bytes(_json(rows))
    corpus = find(LABELLED, {"train": Given(data=(tmp_path / "a.jsonl", tmp_path / "b.jsonl"))})
    assert (corpus.found, corpus.records) == ("files", "records")
    train, dev, test = ([*source.read()] for source in (corpus.train[0], corpus.dev, corpus.test))
    assert sorted([*train, *dev, *test]) == sorted([*ROWS[:40], *ROWS[20:]])
    assert not {*train} & {*dev} and not {*train} & {*test} and not {*dev} & {*test}
    assert dev and test
    (tmp_path / "c.jsonl").write_bytes(_json(ROWS[:1] * 9))
    with pytest.raises(DataError, match=r"c\.jsonl: no example for train is left of 1 distinct examples"):
        find(LABELLED, {"train": Given(data=(tmp_path / "c.jsonl",))})
    with pytest.raises(DataError, match=r"train: .*c\.jsonl is a side of sentence pairs, and this recipe reads exam"):
        find(LABELLED, {"train": Given(source_file=tmp_path / "c.jsonl")})


def test_answers_to_one_prompt_are_held_out_together() -> None:
    rows = [Comparison(f"prompt {number % 30}", f"good {number}", f"bad {number}") for number in range(90)]
    source: Source[Comparison] = Source("made", lambda: iter(rows), lambda: "")
    parts = ComparisonKind(DATA).hold_out(source)
    prompts = [{record.prompt for record in parts[split].read()} for split in SPLITS]
    assert sum(map(len, prompts)) == 30 and [len(each) for each in prompts[1:]] == [1, 1]
    assert len(list(parts["dev"].read())) == 3


def test_a_mirror_is_written_and_found_in_any_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQX_DATA", str(tmp_path))
    one: Source[Labelled] = Source("made", lambda: iter(ROWS), lambda: "")
    paths = write(Corpus("tiny", "hub", (one,), one, one), LABELLED, tmp_path)
    assert [path.name for path in paths] == ["train.jsonl", "dev.jsonl", "test.jsonl"]
    (tmp_path / "tiny" / "dev.jsonl").unlink()
    (tmp_path / "tiny" / "train.jsonl").rename(tmp_path / "tiny" / "kept")
    with pytest.raises(DataError, match=r"lacks train\.tsv, or train\.jsonl, or train\.csv, or train\.parquet"):
        find(LABELLED)
    (tmp_path / "tiny" / "kept").rename(tmp_path / "tiny" / "train.jsonl")
    (tmp_path / "tiny" / "dev.csv").write_bytes(gzip.compress(_csv(ROWS[:9], ",")))
    corpus = find(LABELLED)
    assert corpus.found == "mirror"
    assert [len(list(source.read())) for source in (*corpus.train, corpus.dev, corpus.test)] == [60, 9, 60]


def test_the_hub_fills_a_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hub").mkdir()
    for name, rows in (("train", ROWS), ("validation", ROWS[:5]), ("test", ROWS[:4])):
        (tmp_path / "hub" / f"{name}-00000-of-00001.parquet").write_bytes(_parquet(rows))
    kind = LabelledKind(DATA.model_copy(update={"hub": Hub(path=str(tmp_path / "hub"))}))
    assert list(find(kind).train[0].read()) == ROWS
    fetch(kind, tmp_path / "mirror")
    monkeypatch.setenv("SEQX_DATA", str(tmp_path / "mirror"))
    corpus = find(kind)
    assert corpus.found == "mirror" and list(corpus.train[0].read()) == ROWS


def test_an_audit_counts_what_it_counts_of_every_kind_and_what_the_kind_checks() -> None:
    def made(*rows: tuple[str, str]) -> Source[Labelled]:
        return Source("made", lambda: iter([Labelled(*row) for row in rows]), lambda: "")

    train = made(("a film", "1"), ("", "0"), ("a film", "1"), ("odd\x07", "2"))
    corpus = Corpus("tiny", "files", (train,), made(("A  film!", "0")), made(("new", "7")))
    audited = audit(corpus, LABELLED, LabelledTally)
    found = audited.report
    assert ("unknown_label", "1", "0", "1") in audited.figures
    assert "  train, unknown label, line 4: 'odd\\x07' = '2'" in audited.remarks
    split = found["splits"][0]
    assert (split["examples"], split["text_words"], split["label_words"]) == (4, 5, 4)
    assert (split["blank"]["count"], split["duplicates"]["count"], split["unknown_label"]["count"]) == (1, 1, 1)
    assert split["unknown_label"]["examples"][0] == {
        "place": {"origin": "made", "line": 4},
        "text": "odd\x07",
        "label": "2",
        "other": None,
    }
    assert [each["code_point"] for each in split["characters"]] == [7]
    assert split["longest_text"] == {"characters": 6, "place": {"origin": "made", "line": 1}}
    dev, test = found["overlaps"]
    assert (dev["text"]["count"], dev["label"]["count"], test["text"]["count"]) == (1, 1, 0)
    json.dumps(found)
