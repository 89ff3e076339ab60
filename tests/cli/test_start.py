"""`seqx train --start`, `--more` and `--reverse`, from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from seq2seq.run import Run
from tests.support import tiny
from tests.support.command import Seqx

FEW = ("--set", "training.steps=4", "--set", "training.validate_every=2", "--device", "cpu")


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A table of pairs."""
    table = tmp_path / "ours.tsv"
    table.write_text("".join(f"{source}\t{target}\n" for source, target in tiny.pairs(120, 9)))
    return table


def test_a_translator_is_fine_tuned_and_both_test_sets_are_judged(
    seqx: Seqx, trained: Path, ours: Path, tmp_path: Path
) -> None:
    command = ("train", "--recipe", "finetune", "--start", trained, "--data", ours, "--set", "data.replay=0.3", *FEW)
    done = seqx(*command)
    assert done.code == 0, done.err
    assert f"Start: {trained}, a translator (fr to en)" in done.err and "train.en: 199 of 200 pairs" in done.err
    run = Run(tmp_path / "runs" / "finetune")
    record = run.record()
    parent = json.loads((trained / "run.json").read_text())
    assert record["before"]["start"]["scores"] == parent["scores"]["test"]["scores"]
    before, after = (scores["scores"][0]["value"] for scores in (record["before"]["start"], record["scores"]["start"]))
    assert record["forgetting"] == {"figure": "BLEU", "before": before, "after": after, "lost": before - after}
    assert f"test set of {trained}: BLEU {before:.2f} before, {after:.2f} after; forgetting: " in done.out
    assert "own test set: BLEU" in done.out
    assert [text["origin"].endswith("train.en") for text in record["corpora"]["train"]] == [False, True]
    again = seqx(*command)
    assert again.code == 0 and "is trained already" in again.err and "forgetting: " in again.out
    other = seqx(*command, "--set", 'start.freeze=["encoder"]')
    assert other.code == 1 and 'start.freeze: [] -> ["encoder"]' in other.err
    assert seqx("translate", "--run", run.path / "start", "un chat").code == 0


def test_a_gpt_is_fine_tuned_with_a_share_of_its_former_text(seqx: Seqx, trained_text: Path, tmp_path: Path) -> None:
    (tmp_path / "ours.txt").write_text(tiny.verse(200, 4))
    command = ("train", "--recipe", "finetune", "--start", trained_text, "--data", "ours.txt")
    done = seqx(*command, "--set", "data.replay=0.25", *FEW)
    assert done.code == 0, done.err
    record = Run(tmp_path / "runs" / "finetune").record()
    assert record["forgetting"]["figure"] == "bits per byte" and len(record["corpora"]["train"]) == 2
    assert record["forgetting"]["lost"] == record["forgetting"]["after"] - record["forgetting"]["before"]


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (("--recipe", "finetune", "--data", "ours.tsv"), 1, "name it with --start"),
        (("--recipe", "finetune", "--start", "absent", "--data", "ours.tsv"), 1, "absent is no run to start from"),
        (("--recipe", "finetune", "--start", "{run}", "--data", "ours.tsv", "--set", "model.d_ff=8"), 1, "has 32"),
        (("--recipe", "finetune", "--start", "{run}"), 1, "corpus own is not under $SEQX_DATA"),
        (("--recipe", "gpt-text", "--reverse", "--data", "ours.tsv"), 1, "has no direction"),
        ((), 2, "name a recipe with --recipe"),
        (("--more",), 2, "name the run to train longer with --run"),
        (("--more", "--run", "{run}"), 2, "say how much longer"),
        (("--more", "--run", "{run}", "--recipe", "fr-en"), 2, "--recipe does not go with --more"),
        (("--more", "--run", "{run}", "--set", "model.dropout=0.2"), 2, "only keys of training may change"),
        (("--more", "--run", "absent", "--minutes", "1"), 1, "no run folder absent"),
    ],
)
def test_what_does_not_go_is_refused(
    seqx: Seqx, trained: Path, ours: Path, tmp_path: Path, given: tuple[str, ...], code: int, said: str
) -> None:
    done = seqx("train", *(word.replace("{run}", str(trained)) for word in given))
    assert (done.code, done.err.count("\n") <= 2) == (code, True), done.err
    assert said in done.err
    assert not (tmp_path / "runs").exists() and ours.exists()


def test_text_that_changed_is_not_repeated(seqx: Seqx, own: Path, ours: Path, tmp_path: Path) -> None:
    record = json.loads((own / "run.json").read_text())
    record["corpora"]["given"]["files"]["train"]["source_file"] = record["corpora"]["given"]["files"]["train"][
        "target_file"
    ]
    (own / "run.json").write_text(json.dumps(record))
    done = seqx("train", "--recipe", "finetune", "--start", own, "--data", ours, "--set", "data.replay=0.3", *FEW)
    assert done.code == 1 and "data.replay = 0.3: the text of " in done.err and "train: " in done.err
    del record["corpora"]["given"]
    (own / "run.json").write_text(json.dumps(record))
    done = seqx("train", "--recipe", "finetune", "--start", own, "--data", ours, "--set", "data.replay=0.3", *FEW)
    assert done.code == 1 and "does not say where they are" in done.err and not (tmp_path / "runs").exists()


def test_a_finished_run_is_trained_longer_and_its_results_are_kept(seqx: Seqx, own: Path) -> None:
    before = json.loads((own / "run.json").read_text())
    done = seqx("train", "--run", own, "--more", "--set", "training.steps=20", "--device", "cpu")
    assert done.code == 0, done.err
    assert "Steps: 20 more, from 60 to 80" in done.err and "Resuming from step 60;" in done.err
    run = Run(own)
    record, training = run.record(), run.recipe().training
    assert (training.begin, training.steps, record["finished"]["step"]) == (60, 80, 80)
    assert record["weights"]["steps"] == [80]
    assert record["stages"] == [{key: before[key] for key in record["stages"][0]}]
    assert record["stages"][0]["scores"]["test"] != record["scores"]["test"]
    rows = [json.loads(line) for line in (own / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [20, 40, 60, 80]
    shutil.rmtree(own / "checkpoints")
    gone = seqx("train", "--run", own, "--more", "--set", "training.steps=20")
    assert gone.code == 1 and "lacks step-0000080" in gone.err and "--start" in gone.err
