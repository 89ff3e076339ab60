"""`seqx runs`, `seqx finish` and `seqx evaluate --checkpoint`: runs as things, told apart by their records."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq.run import Run
from seq2seq.storage.tensors import read_weights
from tests.support import tiny
from tests.support.bad_input import check, snapshot
from tests.support.command import Seqx
from tests.support.processes import Terminal


@pytest.fixture
def runs(trained: Path, trained_text: Path, tmp_path: Path) -> Path:
    """A folder of runs: a translator and a model of text."""
    shutil.copytree(trained, tmp_path / "runs" / "words")
    shutil.copytree(trained_text, tmp_path / "runs" / "verse")
    return tmp_path / "runs"


def change(run: Path, **values: Any) -> None:
    """Change the record of a run; None deletes."""
    record = {**json.loads((run / "run.json").read_text()), **values}
    (run / "run.json").write_text(json.dumps({key: value for key, value in record.items() if value is not None}))


def stopped(run: Path) -> Path:
    """As a run is whose training was stopped: no weights, and none on record."""
    shutil.rmtree(run / "ctranslate2")
    (run / "model.safetensors").unlink()
    change(run, finished=None, weights=None, scores=None, ctranslate2=None)
    return run


def listed(seqx: Seqx, *arguments: str) -> list[dict[str, Any]]:
    done = seqx("runs", *arguments, "--json")
    assert done.code == 0, done.err
    rows: list[dict[str, Any]] = json.loads(done.out)
    return rows


def test_the_table_has_each_run_with_its_score_and_interval(
    seqx: Seqx, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    done = seqx("runs")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0].split()[:2] == ["name", "task"] and len(done.out.splitlines()) == 3
    (bleu, *_) = json.loads((runs / "words" / "run.json").read_text())["scores"]["test"]["scores"]
    assert f"BLEU {bleu['value']:.1f} ({bleu['low']:.1f}-{bleu['high']:.1f})" in done.out
    assert "translation fr-en" in done.out and "bits per byte" in done.out and "finished" in done.out
    verse, words = listed(seqx)
    assert (words["name"], words["languages"], words["step"]) == ("words", "fr-en", 60)
    assert [score["name"] for score in words["scores"]] == ["BLEU", "chrF2", "TER"]
    assert {*words["scores"][0]} == {"name", "value", "low", "high", "less_is_better"}
    assert words["bytes"] == sum(path.lstat().st_size for path in (runs / "words").rglob("*") if path.is_file())
    assert verse["task"] == "language-model" and verse["languages"] == ""


def test_a_narrow_terminal_shows_fewer_columns_and_whole_names(seqx: Seqx, runs: Path, tmp_path: Path) -> None:
    long = "words-fine-tuned-on-captions-of-images"
    (runs / "words").rename(runs / long)
    with Terminal("runs", folder=tmp_path) as terminal:
        terminal.until("--json has all")
    lines = terminal.text.splitlines()
    assert "name" in lines[0] and "when" not in lines[0] and "score" in lines[0]
    assert [line.split()[0] for line in lines[1:3]] == ["verse", long] and "BLEU" in lines[2]
    assert len(lines) == 4 and "too narrow for when" in lines[3]
    assert "when" in seqx("runs").out.splitlines()[0]  # not on a terminal: all of it


def test_a_share_is_shown_with_three_digits(
    seqx: Seqx, trained_classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    shutil.copytree(trained_classifier, tmp_path / "runs" / "letters")
    scores = json.loads((trained_classifier / "run.json").read_text())["scores"]["test"]
    accuracy = scores["accuracy"]
    expected = f"accuracy {accuracy['value']:.3f} ({accuracy['low']:.3f}-{accuracy['high']:.3f})"
    assert expected in seqx("runs").out


def test_what_is_newest_is_so_by_the_record(seqx: Seqx, runs: Path) -> None:
    change(runs / "words", finished={"step": 60, "time": "2026-11-02T00:00:00+00:00"})
    change(runs / "verse", finished={"step": 6, "time": "2026-11-01T00:00:00+00:00"})
    for path in (runs / "verse").rglob("*"):
        os.utime(path, (4e9, 4e9))
    assert [row["when"][:10] for row in listed(seqx, "--sort", "when")] == ["2026-11-02", "2026-11-01"]
    change(runs / "words", finished={"step": 60}, sessions=None)  # as an older seqx left it
    assert [row["name"] for row in listed(seqx, "--sort", "when")] == ["verse", "words"]


def test_the_run_that_one_was_started_from_is_its_parent(seqx: Seqx, runs: Path) -> None:
    change(runs / "words", lineage=[{"run": "/home/somebody/runs/base"}, {"run": "/home/somebody/runs/first"}])
    assert [row["parent"] for row in listed(seqx)] == ["", "base"]
    assert seqx("runs").out.splitlines()[0].split()[:3] == ["name", "task", "parent"]
    assert seqx("pack", "--run", runs / "words", "--to", "words.seqx").code == 0
    assert b"somebody" not in Path("words.seqx").read_bytes()


def test_what_a_run_keeps_of_its_start_is_no_run_of_the_list(seqx: Seqx, runs: Path) -> None:
    shutil.copytree(runs / "words", runs / "verse" / "start")
    shutil.copytree(runs / "words", runs / "swept" / "one")
    assert {row["name"] for row in listed(seqx)} == {"words", "verse", "swept/one"}


def test_rows_are_sorted_by_any_column_and_the_best_score_is_first(seqx: Seqx, runs: Path) -> None:
    shutil.copytree(runs / "words", runs / "better")
    scores = json.loads((runs / "words" / "run.json").read_text())["scores"]
    scores["test"]["scores"][0]["value"] = 99.0
    scores["test"]["scores"][2]["value"] = 999.0
    change(runs / "better", scores=scores)
    assert [row["name"] for row in listed(seqx, "--sort", "bleu")] == ["better", "words", "verse"]
    assert [row["name"] for row in listed(seqx, "--sort", "TER")] == ["words", "better", "verse"]  # less is better
    assert [row["name"] for row in listed(seqx, "--sort", "name")] == ["better", "verse", "words"]
    assert listed(seqx, "--sort", "steps")[-1]["name"] == "verse"
    check(seqx("runs", "--sort", "colour"), 2, "--sort colour: use name, task")


def test_a_damaged_run_is_listed_as_one(seqx: Seqx, runs: Path) -> None:
    (runs / "words" / "run.json").write_text("{")
    change(runs / "verse", scores={"test": {"set": "test", "tokens": "x"}})
    done = seqx("runs")
    assert done.code == 0 and done.out.count("damaged") == 2 and "words: " in done.err and "verse: " in done.err
    check(seqx("runs", "show", "words"), 1, "run.json is damaged")


def test_no_runs_are_none(seqx: Seqx) -> None:
    done = seqx("runs")
    assert done.code == 0 and done.out == "" and "no runs under runs/" in done.err
    assert listed(seqx) == []


def test_one_run_is_shown_by_its_name_or_its_path(seqx: Seqx, runs: Path) -> None:
    done = seqx("runs", "show", "words")
    assert done.code == 0, done.err
    for text in ("a translator (fr to en)", "finished, step 60 of 60", "average of steps 40, 60", "BLEU", "train.fr"):
        assert text in done.out, text
    assert seqx("runs", "show", Path("runs/words")).out == done.out
    assert json.loads(seqx("runs", "show", "words", "--json").out)["record"] == Run(runs / "words").record()
    check(seqx("runs", "show", "nothing"), 1, "no run nothing", "there are: verse, words")


def test_commands_know_a_run_by_its_name(seqx: Seqx, runs: Path) -> None:
    (runs.parent / "words").mkdir()  # no run, and in nobody's way
    by_name = seqx("translate", "--run", "words", "un chat")
    assert by_name.code == 0, by_name.err
    assert by_name.out == seqx("translate", "--run", runs / "words", "un chat").out
    assert seqx("compare", "words", "words").code == 0
    assert seqx("doctor", "--run", "words").code == 0
    (runs.parent / "ours.tsv").write_text("".join(f"{source}\t{target}\n" for source, target in tiny.pairs(120, 9)))
    begun = seqx("train", "--recipe", "finetune", "--start", "words", "--data", "ours.tsv", "--dry-run")
    assert begun.code == 0, begun.err


def test_deleting_takes_nothing_without_a_word(seqx: Seqx, runs: Path) -> None:
    before = snapshot(runs)
    check(seqx("runs", "delete", "words"), 2, "its weights included", "--yes")
    check(seqx("runs", "delete", "words", "--checkpoints"), 2, "2 checkpoints of", "--yes")
    check(seqx("runs", "delete", "nothing", "--yes"), 1, "no run folder nothing")
    (runs / "notes").mkdir()
    (runs / "notes" / "diary.txt").write_text("dear diary\n")
    check(seqx("runs", "delete", "notes", "--yes"), 1, "not a run folder")
    shutil.rmtree(runs / "notes")
    assert snapshot(runs) == before


@pytest.mark.parametrize(("answer", "code"), [("", 1), ("no", 1), ("y", 0)])
def test_on_a_terminal_it_asks(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.delenv("SEQX_RUNS", raising=False)
    with Terminal("runs", "delete", "words", folder=tmp_path) as terminal:
        terminal.until(r"Delete runs/words, \d+ files, its weights included \([\d.]+ MB\)\? \[y/N\]")
        terminal.type(answer)
        terminal.until("Nothing is deleted" if code else "Deleted: runs/words")
        assert terminal.process.wait(30) == code
    assert (runs / "words").exists() == bool(code)


def test_checkpoints_are_deleted_and_the_model_stays(seqx: Seqx, runs: Path) -> None:
    done = seqx("runs", "delete", "words", "--checkpoints", "--yes")
    assert done.code == 0 and "Deleted: 2 checkpoints" in done.err
    assert not (runs / "words" / "checkpoints").exists()
    assert seqx("translate", "un chat", "--run", runs / "words", "--engine", "torch").code == 0
    assert "has no checkpoints" in seqx("runs", "delete", "words", "--checkpoints", "--yes").err
    assert seqx("runs", "delete", "words", "--yes").code == 0
    assert [path.name for path in runs.iterdir()] == ["verse"]


def test_checkpoints_that_are_the_only_weights_are_said_to_be(seqx: Seqx, runs: Path) -> None:
    stopped(runs / "words")
    check(seqx("runs", "delete", "words", "--checkpoints"), 2, "THE ONLY WEIGHTS")


def test_a_run_in_use_is_not_deleted(seqx: Seqx, runs: Path) -> None:
    with Run(runs / "words").locked():
        assert [row["state"] for row in listed(seqx)] == ["finished", "in use"]
        check(seqx("runs", "delete", "words", "--yes"), 1, f"in use by process {os.getpid()}")
    assert (runs / "words" / "model.safetensors").is_file()


def test_a_link_to_a_run_is_not_followed(seqx: Seqx, runs: Path, tmp_path: Path) -> None:
    (runs / "words").rename(tmp_path / "elsewhere")
    (runs / "words").symlink_to(tmp_path / "elsewhere")
    check(seqx("runs", "delete", "words", "--yes"), 1, "is a link")
    assert (tmp_path / "elsewhere" / "model.safetensors").is_file()


def test_the_average_of_the_last_steps_is_what_training_kept(seqx: Seqx, runs: Path) -> None:
    done = seqx("runs", "average", "words", "--steps", "40,60", "--to", "runs/mean")
    assert done.code == 0 and "seqx evaluate --run runs/mean" in done.err, done.err
    kept, mean = (read_weights(Run(runs / name).weights) for name in ("words", "mean"))
    assert all(torch.equal(mean[name], weight) for name, weight in kept.items())
    # The table takes the score of `evaluate` where training made none.
    assert listed(seqx)[0]["scores"] == []
    done = seqx("evaluate", "--run", "runs/mean", "--quiet", "--json")
    mean_row, _, words_row = listed(seqx)
    assert done.code == 0 and mean_row["scores"] == words_row["scores"] and mean_row["state"] == "finished"
    check(seqx("runs", "average", "words", "--steps", "60", "--to", "runs/mean"), 1, "exists already")
    check(seqx("runs", "average", "words", "--steps", "50", "--to", "runs/new"), 1, "it has: 40, 60")
    check(seqx("runs", "average", "words", "--steps", "4x", "--to", "runs/new"), 2, "--steps 4x")
    assert not (runs / "new").exists()


def test_a_running_average_is_taken_where_the_recipe_keeps_that(seqx: Seqx, runs: Path) -> None:
    done = seqx("runs", "average", "verse", "--steps", "6", "--to", "runs/same")
    assert done.code == 0, done.err
    kept, same = (read_weights(Run(runs / name).weights) for name in ("verse", "same"))
    assert all(torch.equal(same[name], weight) for name, weight in kept.items())


def test_a_checkpoint_is_evaluated_by_its_step_and_kept_beside_the_others(seqx: Seqx, runs: Path) -> None:
    run = stopped(runs / "words")
    done = seqx("evaluate", "--run", run, "--checkpoint", "40", "--json", "-q")
    assert done.code == 0, done.err
    other = seqx("evaluate", "--run", run, "--checkpoint", "60", "--json", "-q")
    assert json.loads(done.out)["scores"] != json.loads(other.out)["scores"]
    assert {each["checkpoint"] for each in Run(run).record()["evaluations"].values()} == {40, 60}
    check(seqx("evaluate", "--run", run, "--checkpoint", "50"), 1, "no checkpoint of step 50; it has: 40, 60")
    assert "words" in [row["name"] for row in listed(seqx) if row["state"] == "stopped" and not row["scores"]]


@pytest.mark.parametrize("name", ["words", "verse"])
def test_a_stopped_run_is_finished_as_training_would(seqx: Seqx, runs: Path, name: str) -> None:
    run, kept = runs / name, read_weights(Run(runs / name).weights)
    scores = Run(run).record()["scores"]
    stopped(run)
    assert seqx("evaluate", "--run", run).code == 1  # not usable yet
    done = seqx("finish", "--run", run, "--device", "cpu")
    assert done.code == 0 and "finished early, at step" in done.err and "Try it: seqx" in done.err, done.err
    made, record = read_weights(Run(run).weights), Run(run).record()
    assert all(torch.equal(made[each], weight) for each, weight in kept.items())
    figures = [{**each["test"], "seconds": 0, "engine": ""} for each in (scores, record["scores"])]
    assert figures[0] == figures[1] and (run / "ctranslate2" / "int8").is_dir()
    again = seqx("finish", "--run", run, "--device", "cpu")
    assert again.code == 0 and "is trained already" in again.err and again.out == done.out


def test_a_run_that_stopped_between_validations_is_finished_with_its_last_update(seqx: Seqx, runs: Path) -> None:
    run = stopped(runs / "words")
    recipe = (run / "recipe.toml").read_text()
    (run / "recipe.toml").write_text(recipe.replace("steps = 60", "steps = 90").replace("every = 20", "every = 25"))
    assert seqx("finish", "--run", run, "--device", "cpu").code == 0
    assert Run(run).record()["weights"]["steps"] == [60]
    assert "finished, step 60 of 90 (finished early, at step 60 of 90)" in seqx("runs", "show", "words").out


def test_a_run_without_an_update_or_in_use_is_not_finished(seqx: Seqx, runs: Path) -> None:
    run = stopped(runs / "words")
    with Run(run).locked():
        check(seqx("finish", "--run", run, "--device", "cpu"), 1, f"process {os.getpid()}")
    shutil.rmtree(run / "checkpoints")
    done = seqx("finish", "--run", run, "--device", "cpu")
    check(done, 1, "has no update to use yet")
    assert not (run / "model.safetensors").exists()
