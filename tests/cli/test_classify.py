"""`seqx classify`, and what the other commands do with a classifier."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

import seq2seq
from seq2seq.errors import ArgumentError
from tests.support import tiny
from tests.support.command import Seqx, heavy_imports


@pytest.fixture
def own_classifier(trained_classifier: Path, tmp_path: Path) -> Path:
    """A copy of the tiny classifier that a test may change."""
    return Path(shutil.copytree(trained_classifier, tmp_path / "own"))


LINES = ["one two cat", "", "red house", "four four dog"]


def test_line_i_answers_line_i_however_it_is_given(seqx: Seqx, trained_classifier: Path, tmp_path: Path) -> None:
    run = ["--run", str(trained_classifier)]
    done = seqx("classify", *run, *LINES)
    assert done.code == 0 and "4 lines in" in done.err and "by CTranslate2, int8, cpu" in done.err
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


def test_a_classifier_is_evaluated(seqx: Seqx, own_classifier: Path, tmp_path: Path) -> None:
    done = seqx("evaluate", "--run", own_classifier)
    assert done.code == 0 and "test: 30 texts" in done.out and "macro-F1" in done.out
    own = tiny.write_labelled(tmp_path / "own.csv", [("one cat", "pet"), ("one tree", "thing"), ("", "pet")])
    scores = json.loads(seqx("evaluate", "--run", own_classifier, "-i", own, "--json").out)
    assert (scores["set"], scores["texts"], scores["left_out"]) == ("own.csv", 2, 1)
    assert [row["class"] for row in scores["by_class"]] == ["pet", "thing"]
    other = tiny.write_labelled(tmp_path / "other.csv", [("one cat", "pet")], ("body", "team"))
    assert json.loads(seqx("evaluate", "--run", own_classifier, "-i", other, "--columns", "body,team", "--json").out)
    refused = seqx("evaluate", "--run", own_classifier, "--beam-size", "2")
    assert refused.code == 2 and "--beam-size has no effect" in refused.err


def test_engines_classify_alike_and_evaluate_says_which(seqx: Seqx, own_classifier: Path, tmp_path: Path) -> None:
    lines = [text for text, _ in tiny.labelled(300, 7)]
    (tmp_path / "lines.txt").write_text("".join(line + "\n" for line in lines))
    command = ("classify", "--run", own_classifier, "-i", "lines.txt", "--json", "--device", "cpu")
    found = {}
    for engine, precision in (("torch", "float32"), ("ctranslate2", "float32"), ("ctranslate2", "int8")):
        done = seqx(*command, "--engine", engine, "--precision", precision)
        assert done.code == 0 and precision in done.err
        found[engine, precision] = [json.loads(row) for row in done.out.splitlines()]
    plain = found.pop(("torch", "float32"))
    for (_, precision), rows in found.items():
        assert sum(one["label"] == other["label"] for one, other in zip(rows, plain)) >= 0.98 * len(lines)
        differences = [abs(one["probability"] - other["probability"]) for one, other in zip(rows, plain)]
        assert max(differences) < (1e-5 if precision == "float32" else 0.1)
    for engine, shown in (("torch", "PyTorch, cpu"), ("ctranslate2", "CTranslate2, int8"), ("auto", "CTranslate2, ")):
        done = seqx("evaluate", "--run", own_classifier, "--engine", engine, "--device", "cpu")
        assert done.code == 0 and f"on test, by {shown}" in done.err
        kept = json.loads((own_classifier / "run.json").read_text())
        assert any(each["engine"].startswith(shown) for each in kept["evaluations"].values())
    assert kept["scores"]["test"]["engine"].startswith("CTranslate2, int8")


def test_a_run_without_a_copy_says_so_and_gets_one(seqx: Seqx, own_classifier: Path) -> None:
    run = ("--run", own_classifier)
    expected = seqx("classify", *run, *LINES).out
    shutil.rmtree(own_classifier / "ctranslate2")
    for command in (("classify", *run, "one cat"), ("evaluate", *run)):
        done = seqx(*command)
        assert done.code == 0 and f"PyTorch serves, which is slower; `seqx export --run {own_classifier}`" in done.err
    refused = seqx("classify", *run, "--engine", "ctranslate2", "one cat")
    assert refused.code == 1 and f"seqx export --run {own_classifier}" in refused.err
    made = seqx("export", *run)
    assert made.code == 0 and "of 30 texts" in made.err and made.out == ""
    assert seqx("classify", *run, *LINES).out == expected


def test_a_damaged_copy_is_refused_by_name(seqx: Seqx, own_classifier: Path) -> None:
    path = own_classifier / "ctranslate2" / "int8" / "head.safetensors"
    path.write_bytes(path.read_bytes()[:-8] + bytes(8))
    done = seqx("classify", "--run", own_classifier, "one cat")
    assert done.code == 1 and "int8/head.safetensors: its checksum has changed" in done.err
    assert seqx("classify", "--run", own_classifier, "--engine", "torch", "one cat").code == 0
    examined = seqx("doctor", "--run", own_classifier)
    assert examined.code == 1 and "WRONG  " in examined.out and "ctranslate2/int8" in examined.out


def test_a_classifier_is_packed_without_its_weights(seqx: Seqx, own_classifier: Path) -> None:
    assert seqx("pack", "--run", own_classifier, "--to", "pets.seqx", "--test-set").code == 0
    with zipfile.ZipFile("pets.seqx") as archive:
        assert {name for name in archive.namelist() if "int8" in name or "safetensors" in name} == {
            f"ctranslate2/int8/{name}" for name in ("config.json", "head.safetensors", "model.bin", "vocabulary.json")
        }
    for command in (("classify", *LINES), ("evaluate", "--json")):
        done, own = (seqx(*command, "--run", run) for run in ("pets.seqx", own_classifier))
        assert done.code == 0, done.err
        assert without_times(done.out) == without_times(own.out)


def without_times(text: str) -> list[object]:
    rows = [json.loads(line) if line.startswith("{") else line for line in text.splitlines()]
    return [{**row, "seconds": 0} if isinstance(row, dict) else row for row in rows]


def test_a_line_is_classified_without_torch(trained_classifier: Path) -> None:
    assert heavy_imports(["classify", "--run", str(trained_classifier), "one cat", "-q"]) == ["numpy"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--engine", "torch", "--precision", "int8", "a"], 1, "not --precision int8; leave out --engine torch"),
        (["--engine", "ctranslate2", "--precision", "bfloat16", "a"], 1, "not --precision bfloat16; leave out"),
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
    assert "accuracy" in done.out and "CTranslate2 copy: " in done.err
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


def test_checkpoints_of_a_classifier_are_averaged_and_evaluated(seqx: Seqx, own_classifier: Path) -> None:
    done = seqx("runs", "average", own_classifier, "--steps", "40,60", "--to", "mean")
    assert done.code == 0, done.err
    texts = b"un chat\ndeux chiens\n"
    assert seqx("classify", "--run", "mean", stdin=texts).code == 0
    done = seqx("evaluate", "--run", own_classifier, "--checkpoint", "60", "--json", "-q")
    assert done.code == 0 and "accuracy" in done.out, done.err
