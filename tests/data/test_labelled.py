"""Texts with labels: from every format, with names or numbers of classes, held out, audited."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from seq2seq.data import sources
from seq2seq.data.audit import audit
from seq2seq.data.corpus import SPLITS, Given
from seq2seq.data.labelled import Labelled, LabelledKind, LabelledTally, classes_of
from seq2seq.data.lines import PLAIN
from seq2seq.errors import DataError
from seq2seq.recipe import Data
from tests.support import tiny

ROWS = [("a fine day", "good"), ("rain, again", "bad"), ("sun\nshine", "good")]


def write(path: Path, rows: list[tuple[Any, ...]], columns: tuple[str, ...] = ("text", "label")) -> Path:
    match path.suffix:
        case ".parquet":
            pyarrow.parquet.write_table(pyarrow.table(dict(zip(columns, map(list, zip(*rows))))), path)
        case ".jsonl":
            path.write_text("".join(json.dumps(dict(zip(columns, row))) + "\n" for row in rows), encoding="utf-8")
        case suffix:
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, delimiter="\t" if suffix == ".tsv" else ",").writerows([columns, *rows])
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_every_format_gives_the_same_records_by_the_columns_of_the_recipe(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"own{suffix}", [(label, text) for text, label in ROWS], ("team", "body"))
    source = LabelledKind(Data(corpus="own", text="body", label="team")).file(path, PLAIN)
    assert [*source.read()] == [
        Labelled(("a fine day",), "good"),
        Labelled(("rain, again",), "bad"),
        Labelled(("sun shine",), "good"),
    ]
    other = write(tmp_path / "plain.jsonl", ROWS)
    assert source.checksum() == LabelledKind(Data(corpus="own")).file(other, PLAIN).checksum()
    with pytest.raises(DataError, match=r"no columns text, label; there are: (team, body|body, team).*--columns"):
        [*LabelledKind(Data(corpus="own")).file(path, PLAIN).read()]


def test_two_texts_are_judged_together(tmp_path: Path) -> None:
    path = write(tmp_path / "two.tsv", [("is it?", "it is", "yes")], ("text_a", "text_b", "label"))
    kind = LabelledKind(Data(corpus="own", text="text_a, text_b"))
    assert [*kind.file(path, PLAIN).read()] == [Labelled(("is it?", "it is"), "yes")]


def test_the_number_of_a_class_is_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "numbers.jsonl", [("a", 1), ("b", "0"), ("c", "good"), ("d", 7)])
    kind = LabelledKind(Data(corpus="own", classes=("bad", "good")))
    source = kind.file(path, PLAIN)
    assert [record.label for record in source.read()] == ["good", "bad", "good", "7"]
    with pytest.raises(DataError, match=r"numbers.jsonl, text 4: the label '7' is not one of the classes bad, good"):
        classes_of(kind, [source])


def test_the_classes_are_the_labels_sorted_numbers_by_value(tmp_path: Path) -> None:
    kind = LabelledKind(Data(corpus="own"))
    rows: list[tuple[str, object]] = [(f"text {label}", label) for label in (10, 9, 10, "x", "")]
    path = write(tmp_path / "labels.csv", rows)
    assert classes_of(kind, [kind.file(path, PLAIN)]) == ("9", "10", "x")
    same = write(tmp_path / "same.csv", [("a", "x"), ("b", "x")])
    with pytest.raises(DataError, match="all texts have the label x: there is nothing to learn"):
        classes_of(kind, [kind.file(same, PLAIN)])
    many = write(tmp_path / "many.csv", [(f"text {number}", f"label {number}") for number in range(1200)])
    with pytest.raises(DataError, match=r"text 1,001: over 1,000 different labels.*set data.label"):
        classes_of(kind, [kind.file(many, PLAIN)])


def test_a_tenth_is_held_out_for_dev_and_another_for_test(tmp_path: Path) -> None:
    path = tiny.write_labelled(tmp_path / "own.csv", tiny.labelled(200, 1))
    corpus = sources.find(LabelledKind(Data(corpus="own")), {"train": Given(data=(path,))})
    records = {name: [*split[0].read()] for name, split in corpus.splits().items()}
    assert [len(records[name]) for name in SPLITS] == [160, 20, 20]
    assert len({record for split in records.values() for record in split}) == 200


def test_an_audit_counts_classes_and_finds_texts_with_two_labels(tmp_path: Path) -> None:
    kind = LabelledKind(Data(corpus="own"))
    train = write(tmp_path / "train.csv", [("A day.", "good"), ("a day", "bad"), ("b", "bad"), ("", "bad")])
    other = write(tmp_path / "dev.csv", [("B!", "bad"), ("c", "good")])
    corpus = sources.find(
        kind, {"train": Given(data=(train,)), "dev": Given(data=(other,)), "test": Given(data=(other,))}
    )
    report = audit(corpus, kind, LabelledTally)
    split = report.report["splits"][0]
    assert split["classes"] == {"bad": 2, "good": 1} and split["blank"]["count"] == 1
    assert split["other_label"]["count"] == 1 and split["other_label"]["examples"][0]["text"] == "a day"
    assert report.report["overlaps"][0] == {
        "name": "dev",
        "text": {
            "count": 1,
            "examples": [
                {
                    "place": {"origin": str(other), "line": 1},
                    "text": "B!",
                    "label": "bad",
                    "other": {"origin": str(train), "line": 3},
                }
            ],
        },
    }
    rows = {row[0]: row[1:] for row in report.figures}
    assert rows["classes"] == ("2", "2", "2") and rows["largest class"][0] == "bad 2"
    assert "label also in train" not in rows


def test_on_the_hub_the_columns_have_names_of_their_own(tmp_path: Path) -> None:
    hub = {"path": str(tmp_path), "text_column": "sentence", "label_column": "mood"}
    for name in ("train", "validation", "test"):
        write(
            tmp_path / f"{name}-00000-of-00001.parquet",
            [(f"{name} {n}", n % 2) for n in range(3)],
            ("sentence", "mood"),
        )
    kind = LabelledKind(Data.model_validate({"corpus": "away", "hub": hub, "classes": ["bad", "good"]}))
    corpus = sources.find(kind)
    assert [*corpus.dev.read()][:2] == [Labelled(("validation 0",), "bad"), Labelled(("validation 1",), "good")]
