"""What a training run watches and judges by, where the target is no European language."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support import tiny
from tests.support.bad_input import snapshot
from tests.support.command import Seqx


def test_while_bleu_is_0_the_loss_is_watched_and_the_score_is_by_the_target(seqx: Seqx, tmp_path: Path) -> None:
    given = tiny.arguments(tmp_path)
    patient = ["--set", "training.patience=1", "--set", "training.steps=10"]
    done = seqx("train", *given, *patient, "--set", "data.target=zh", "--run", "run")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [row["dev_bleu"] for row in rows[:2]] == [0, 0]  # what is watched cannot fall, only rise later
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["finished"]["reason"] == "all steps done"
    assert "tok:zh" in record["scores"]["test"]["scores"][0]["signature"]
    shown = seqx("evaluate", "--run", "run")
    assert "tok:zh" in shown.out and "asian:yes" in shown.out
    assert json.loads(seqx("compare", "run", "run", "--json").out)["differences"][0]["signature"].count("tok:zh") == 1


def test_a_test_set_that_sacrebleu_has_not_is_refused_before_training(seqx: Seqx, tmp_path: Path) -> None:
    given = tiny.arguments(tmp_path)
    before = snapshot(tmp_path)
    for name, said in (("wmt99", "no test set 'wmt99'"), ("wmt20/robust/set1", "has no fr-en")):
        done = seqx("train", *given, "--run", "run", "--set", f"data.sacrebleu_test={name}")
        assert done.code == 1 and said in done.err
    assert snapshot(tmp_path) == before
