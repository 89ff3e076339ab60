"""Decoder-only models by the command: running text from files to a judged run, and pairs in one sequence."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import torch

from cli import checks
from seq2seq.storage.tensors import read_weights
from seq2seq.training.overfitting import for_overfitting
from tests.support import tiny
from tests.support.command import Seqx

GPT = ["--set", "model.architecture=decoder-only", "--set", "data.max_length=16", "--set", "model.norm=pre"]


@pytest.fixture
def verse(trained_text: Path, tmp_path: Path) -> Path:
    """A finished run on running text that a test may change."""
    return Path(shutil.copytree(trained_text, tmp_path / "run"))


def test_text_goes_from_a_file_to_a_judged_run(trained_text: Path) -> None:
    out, err = ((trained_text.parent / name).read_text(encoding="utf-8") for name in ("stdout", "stderr"))
    for expected in ("Loss before training: ", "characters, ", "nats per token (best so far)", "Try it: seqx generate"):
        assert expected in err, expected
    assert "bits per byte" in out
    record = json.loads((trained_text / "run.json").read_text())
    score = record["scores"]["test"]
    assert score["perplexity"] == pytest.approx(math.exp(score["nats_per_token"]))
    assert record["weights"]["made"] == "ema"
    first = float(err.split("Loss before training: ")[1].split()[0])
    assert first == pytest.approx(float(err.split("expected at initialisation: ")[1].split(")")[0]), rel=0.03)
    rows = [json.loads(line) for line in (trained_text / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4, 6] and "dev_bleu" not in rows[0]


def test_resumed_is_uninterrupted_muon_average_and_all(seqx: Seqx, trained_text: Path, tmp_path: Path) -> None:
    from cli import train as command

    arguments = tiny.text_arguments(tmp_path)
    asked = command.StopSignals.asked
    seen = []

    def after_three(self: object) -> bool:
        seen.append(1)
        if len(seen) == 3:
            self.exit_code = 130  # type: ignore[attr-defined]
        return len(seen) == 3

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command.StopSignals, "asked", after_three)
        assert seqx("train", *arguments, "--run", "stopped").code == 130
    assert command.StopSignals.asked is asked
    done = seqx("train", *arguments, "--run", "stopped")
    assert done.code == 0 and "Resuming from step 3" in done.err
    whole, stopped = (read_weights(run / "model.safetensors") for run in (trained_text, tmp_path / "stopped"))
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)


def test_the_shell_may_spread_files_behind_data(seqx: Seqx, tmp_path: Path) -> None:
    arguments = tiny.text_arguments(tmp_path)
    for number in (2, 3):
        (tmp_path / f"more{number}.txt").write_text(tiny.verse(100, number), encoding="utf-8")
    done = seqx("train", *arguments, "more2.txt", "more3.txt", "--run", "run")
    assert done.code == 0, done.err
    origin = json.loads((tmp_path / "run/run.json").read_text())["corpora"]["train"][0]["origin"]
    assert "more2.txt" in origin and "more3.txt" in origin
    assert seqx("train", "--recipe", "gpt-text", "loose.txt").code == 2


def test_a_dry_run_measures_and_writes_nothing(seqx: Seqx, tmp_path: Path) -> None:
    done = seqx("train", *tiny.text_arguments(tmp_path), "--dry-run")
    assert done.code == 0, done.err
    assert "characters" in done.out and "per update" in done.out
    assert not (tmp_path / "runs").exists()


def test_evaluate_judges_other_text_too(seqx: Seqx, verse: Path, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text(tiny.verse(50, 9), encoding="utf-8")
    own, other = (
        json.loads(seqx("evaluate", "--run", verse, *more, "--json").out) for more in ([], ["-i", "other.txt"])
    )
    assert own["set"] == "test" and other["set"] == "other.txt"
    assert own["bits_per_byte"] == json.loads((verse / "run.json").read_text())["scores"]["test"]["bits_per_byte"]
    assert other["bytes"] == len((tmp_path / "other.txt").read_bytes())
    wrong = seqx("evaluate", "--run", verse, "--source-file", "other.txt", "--target-file", "other.txt")
    assert wrong.code == 2 and "is a language model" in wrong.err


def test_ten_examples_are_learnt_by_heart_or_the_check_says_so(
    seqx: Seqx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = tiny.text_arguments(tmp_path)
    sizes = ["--set", "model.d_model=32", "--set", "model.d_ff=128", "--set", "training.learning_rate=1e-2"]
    done = seqx("train", *arguments, *sizes, "--overfit", "10")
    assert done.code == 0, done.out + done.err
    assert "10 examples overfitted after" in done.out
    short = {"training": {"steps": 100}}  # in place of 1,000
    monkeypatch.setattr(checks, "for_overfitting", lambda recipe: for_overfitting(recipe).with_values(short))
    broken = seqx("train", *arguments, "--set", "optimizer.kind=adam", "--set", "training.learning_rate=1e-9",
                  "--overfit", "3")  # fmt: skip
    assert broken.code == 1 and "3 examples NOT overfitted after 100 updates" in broken.out
    assert not (tmp_path / "runs").exists()


def test_pairs_are_learnt_by_heart_by_either_architecture(seqx: Seqx, tmp_path: Path) -> None:
    arguments = [*tiny.arguments(tmp_path), "--device", "cpu", "--set", "model.d_model=64", "--set", "model.d_ff=128"]
    for more in ([], GPT):
        done = seqx("train", *arguments, *more, "--overfit", "10")
        assert done.code == 0, done.out + done.err
        assert "10 examples overfitted" in done.out


def test_a_decoder_only_model_translates_as_any_other(seqx: Seqx, tmp_path: Path) -> None:
    arguments = [*tiny.arguments(tmp_path), "--device", "cpu", *GPT]
    done = seqx(
        "train", *arguments, "--run", "gpt", "--set", "training.steps=60", "--set", "training.validate_every=20"
    )
    assert done.code == 0, done.err
    assert "BLEU" in done.out
    lines = "un chat rouge\n\ndeux chiens\nun\n"
    whole = seqx("translate", "--run", "gpt", "--json", stdin=lines.encode())
    rows = [json.loads(line) for line in whole.out.splitlines()]
    assert [row["source"] for row in rows] == lines.split("\n")[:-1]
    for row in (rows[0], rows[2], rows[3]):
        alone = json.loads(seqx("translate", row["source"], "--run", "gpt", "--json").out)
        assert alone["translation"] == row["translation"]
        assert alone["score"] == pytest.approx(row["score"], abs=1e-4)


def test_running_text_refuses_what_is_for_pairs(seqx: Seqx, tmp_path: Path) -> None:
    arguments = tiny.text_arguments(tmp_path)
    recipe = arguments[:2]
    done = seqx("train", *recipe, "--source-file", "verse.txt", "--target-file", "verse.txt")
    assert done.code == 1 and "running text" in done.err and "--data" in done.err
    done = seqx("train", *arguments, "--set", "training.metric=bleu")
    assert done.code == 1 and 'training.metric = "loss"' in done.err
    done = seqx("train", *arguments, "--set", "tokenizer.kind=bpe")
    assert done.code == 1 and "line ends" in done.err
    done = seqx("train", "--recipe", "gpt-text")
    assert done.code == 1 and "--data" in done.err
