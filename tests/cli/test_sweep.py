"""`seqx sweep`: a grid of runs, one after another, resumed by the same command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seq2seq.run import Run
from tests.support import tiny
from tests.support.bad_input import check
from tests.support.command import Done, Seqx


def sweep(seqx: Seqx, folder: Path, *arguments: str) -> Done:
    """A sweep of the tiny recipe on the tiny corpus, whose files lie in a folder."""
    _, recipe, *files = tiny.arguments(folder)
    return seqx("sweep", "--recipe", recipe, *arguments, "--", *files, "--device", "cpu")


def weights(folder: Path) -> dict[str, bytes]:
    return {path.name: Run(path).weights.read_bytes() for path in folder.iterdir() if (path / "run.json").is_file()}


def test_each_setting_is_trained_for_each_seed_and_compared_with_the_first(seqx: Seqx, tmp_path: Path) -> None:
    steps = ["--set", "training.steps=20", "--set", "training.validate_every=10"]
    grid = ["--set", "model.norm=pre,post", *steps, "--seeds", "1,2"]
    done = sweep(seqx, tmp_path, *grid, "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    assert found["folder"] == "runs/sweep-tiny" and found["failed"] == []
    pre, post = found["settings"]
    assert (pre["setting"], post["setting"]) == ("model.norm=pre", "model.norm=post")
    assert pre["seeds"] == post["seeds"] == [1, 2] and pre["p_values"] == {}
    assert [len(values) for values in post["p_values"].values()] == [2, 2, 2]
    runs = Path("runs/sweep-tiny")
    for row in (pre, post):
        scores = [Run(runs / f"{row['setting']},seed={seed}").record()["scores"]["test"]["scores"] for seed in (1, 2)]
        chrf = [score["value"] for run in scores for score in run if score["name"] == "chrF2"]
        (shown,) = [figure for figure in row["figures"] if figure["name"] == "chrF2"]
        assert shown["values"] == chrf and shown["mean"] == sum(chrf) / 2
        assert (shown["low"], shown["high"]) == (min(chrf), max(chrf))
    # As `seqx compare` tests them.
    first, second = (runs / f"model.norm={norm},seed=2" for norm in ("pre", "post"))
    compared = json.loads(seqx("compare", first, second, "--json", "-q").out)
    assert {each["metric"]: each["p_value"] for each in compared["differences"]} == {
        name: values[1] for name, values in post["p_values"].items()
    }
    # The same again trains nothing; with one more seed, one more run of each setting.
    before = weights(runs)
    again = sweep(seqx, tmp_path, *grid[:-1], "1,2,3")
    assert again.code == 0 and "p < 0.05" in again.out and again.err.count("is trained already") == 4, again.err
    after = weights(runs)
    assert len(after) == 6 and {name: after[name] for name in before} == before
    assert json.loads(seqx("runs", "--json").out)[0]["name"] == "sweep-tiny/model.norm=post,seed=1"


def test_a_run_that_fails_is_reported_and_the_others_are_trained(seqx: Seqx, tmp_path: Path) -> None:
    taken = Path("runs/sweep-tiny/model.norm=pre,seed=1")
    taken.mkdir(parents=True)
    (taken / "notes.txt").write_text("mine\n")
    done = sweep(seqx, tmp_path, "--set", "model.norm=pre,post")
    assert done.code == 1 and "model.norm=pre,seed=1: " in done.err and "not a run folder" in done.err
    assert "model.norm=post" in done.out and [path.name for path in taken.iterdir()] == ["notes.txt"]


def test_a_mistake_is_reported_before_anything_is_trained(seqx: Seqx, tmp_path: Path) -> None:
    for arguments, code, words in (
        (["--set", "model.norm=pre,past"], 1, "norm"),
        (["--set", "training.steps=9", "--minutes", "1"], 2, "--minutes and --set training.steps: give one"),
        (["--seeds", "1,x"], 2, "--seeds 1,x"),
        (["--set", "model.norm=pre,pre"], 1, "two runs of the sweep would be model.norm=pre,seed=1"),
    ):
        check(sweep(seqx, tmp_path, *arguments), code, words)
    assert not Path("runs").exists()
