"""`seqx classify`, and what the other commands do with a classifier."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import seq2seq
from seq2seq.errors import ArgumentError
from tests.support import tiny
from tests.support.command import Seqx

LINES = ["one two cat", "", "red house", "four four dog"]


def test_line_i_answers_line_i_however_it_is_given(seqx: Seqx, trained_classifier: Path, tmp_path: Path) -> None:
    run = ["--run", str(trained_classifier)]
    done = seqx("classify", *run, *LINES)
    assert done.code == 0 and "4 lines in" in done.err and "PyTorch" in done.err
    rows = [line.split("\t") for line in done.out.split("\n")[:-1]]
    assert rows[1] == [""] and {row[0] for row in rows} <= {"pet", "thing", ""}
    assert all(0.5 <= float(row[1]) <= 1 for row in rows if row[0])
    text = "".join(line + "\n" for line in LINES)
    (tmp_path / "lines.txt").write_text(text)
    assert seqx("classify", *run, "-i", tmp_path / "lines.txt").out == done.out
    assert seqx("classify", *run, stdin=text.encode()).out == done.out
    assert seqx("classify", *run, "-", "-o", tmp_path / "out.txt", stdin=text.encode()).code == 0
    assert (tmp_path / "out.txt").read_text() == done.out


def test_json_has_the_probability_of_every_class(seqx: Seqx, trained_classifier: Path) -> None:
    done = seqx("classify", "--run", trained_classifier, "--json", *LINES, "a " * 100)
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [row["text"] for row in found[:4]] == LINES
    for row in found:
        if row["text"]:
            assert {*row["probabilities"]} == {"pet", "thing"}
            assert sum(row["probabilities"].values()) == pytest.approx(1)
            assert row["probability"] == max(row["probabilities"].values()) == row["probabilities"][row["label"]]
    assert found[1]["label"] is None and found[1]["probabilities"] == {}
    assert [row["cut"] for row in found] == [False] * 4 + [True]
    assert "1 lines are longer than the model reads" in done.err


def test_the_library_classifies_as_the_command_does(seqx: Seqx, trained_classifier: Path) -> None:
    classifier = seq2seq.load(trained_classifier)
    assert isinstance(classifier, seq2seq.Classifier) and classifier.classes == ("pet", "thing")
    found = classifier.classify(LINES)
    out = seqx("classify", "--run", trained_classifier, *LINES).out.split("\n")[:-1]
    assert [f"{each.label}\t{each.probability:.4f}" if each.label else "" for each in found] == out
    assert classifier.classify("one two cat").label == found[0].label and classifier.classify([]) == []
    for wrong in (lambda: classifier.classify("a", "b"), lambda: classifier.classify(3)):
        with pytest.raises(ArgumentError):
            wrong()  # type: ignore[no-untyped-call]
    with pytest.raises(ArgumentError, match=r"is a classifier \(pet, thing\): beam_size"):
        seq2seq.load(trained_classifier, beam_size=2)


def test_a_classifier_is_evaluated(seqx: Seqx, trained_classifier: Path, tmp_path: Path) -> None:
    done = seqx("evaluate", "--run", trained_classifier)
    assert done.code == 0 and "test: 30 texts" in done.out and "macro-F1" in done.out
    own = tiny.write_labelled(tmp_path / "own.csv", [("one cat", "pet"), ("one tree", "thing"), ("", "pet")])
    scores = json.loads(seqx("evaluate", "--run", trained_classifier, "-i", own, "--json").out)
    assert (scores["set"], scores["texts"], scores["left_out"]) == ("own.csv", 2, 1)
    assert [row["class"] for row in scores["by_class"]] == ["pet", "thing"]
    other = tiny.write_labelled(tmp_path / "other.csv", [("one cat", "pet")], ("body", "team"))
    assert json.loads(
        seqx("evaluate", "--run", trained_classifier, "-i", other, "--columns", "body,team", "--json").out
    )
    refused = seqx("evaluate", "--run", trained_classifier, "--beam-size", "2")
    assert refused.code == 2 and "--beam-size has no effect" in refused.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--engine", "ctranslate2", "a"], 1, "only PyTorch serves classifiers; leave out --engine"),
        (["--precision", "int8", "a"], 1, "only PyTorch serves classifiers"),
        (["a", "-i", "b"], 2, "both text ('a') and --input b were given"),
        (["-i", "nowhere.txt"], 1, "nowhere.txt"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    seqx: Seqx, trained_classifier: Path, arguments: list[str], code: int, message: str
) -> None:
    done = seqx("classify", "--run", trained_classifier, *arguments)
    assert (done.code, done.out) == (code, "") and message in done.err


def test_the_doctor_verifies_a_run_and_measures_a_recipe(seqx: Seqx, trained_classifier: Path, tmp_path: Path) -> None:
    done = seqx("doctor", "--run", trained_classifier)
    assert done.code == 0 and "30 texts" in done.out, done.out
    (tmp_path / "tiny.toml").write_text(tiny.LABELLED_RECIPE)
    done = seqx("doctor", "--recipe", tmp_path / "tiny.toml", "--quick", "--device", "cpu")
    assert done.code == 0 and "agrees" in done.out, done.err


def test_a_run_of_another_task_is_refused_by_name(seqx: Seqx, trained: Path, trained_classifier: Path) -> None:
    done = seqx("classify", "--run", trained, "a")
    assert done.code == 1 and "is a translator (fr to en), not a classifier: use `seqx translate" in done.err
    done = seqx("translate", "--run", trained_classifier, "a")
    assert done.code == 1 and "is a classifier (pet, thing), not a translator: use `seqx classify" in done.err
    assert "no trained model" in seqx("classify", "a").err


def test_own_columns_are_named_in_the_recipe_and_audited(seqx: Seqx, tmp_path: Path) -> None:
    path = tiny.write_labelled(tmp_path / "tickets.csv", tiny.labelled(120, 1), ("body", "team"))
    (tmp_path / "tiny.toml").write_text(tiny.LABELLED_RECIPE)
    columns = ["--set", "data.text=body", "--set", "data.label=team"]
    checked = seqx("data", "check", "--recipe", tmp_path / "tiny.toml", "--data", path, *columns)
    assert checked.code == 0 and "largest class" in checked.out and "texts with another label before" in checked.out
    done = seqx("train", "--recipe", tmp_path / "tiny.toml", "--data", path, *columns, "--run", tmp_path / "run")
    assert done.code == 0 and "Classes: thing 65, pet 31" in done.err and "nats per text" in done.err, done.err
    assert "accuracy" in done.out and "keeps the PyTorch engine" in done.err
    tried = done.err.rsplit("Try it: seqx ", 1)[1]
    assert tried.startswith("classify ")
    again = seqx("train", "--recipe", tmp_path / "tiny.toml", "--data", path, *columns, "--run", tmp_path / "run")
    assert again.code == 0 and "is trained already" in again.err


def test_a_model_of_two_texts_reads_them_with_a_tab_between(seqx: Seqx, tmp_path: Path) -> None:
    rows = [
        f"{text}\t{text if number % 2 else 'three'}\t{'same' if number % 2 else 'other'}\n"
        for number, (text, _) in enumerate(tiny.labelled(100, 1))
    ]
    (tmp_path / "pairs.tsv").write_text("text_a\ttext_b\tlabel\n" + "".join(rows))
    (tmp_path / "tiny.toml").write_text(tiny.LABELLED_RECIPE.replace('"nowhere"', '"nowhere"\ntext = "text_a,text_b"'))
    done = seqx(
        "train", "--recipe", tmp_path / "tiny.toml", "--data", tmp_path / "pairs.tsv", "--run", tmp_path / "run"
    )
    assert done.code == 0, done.err
    found = seqx("classify", "--run", tmp_path / "run", "--json", stdin=b"one cat\tone cat\n\ntwo\tthree\n")
    assert [json.loads(line).get("text_b") for line in found.out.splitlines()] == ["one cat", "", "three"]
    wrong = seqx("classify", "--run", tmp_path / "run", "one", "two\tthree")
    assert wrong.code == 1 and "line 1: 1 text, and the model reads 2: put a tab between them" in wrong.err
    assert seq2seq.load(tmp_path / "run").classify("one", "one").label in ("same", "other")  # type: ignore[union-attr]
