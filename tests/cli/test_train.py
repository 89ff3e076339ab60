"""`seqx train` from files to scores, and what comes after it."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from seq2seq.run import Run
from seq2seq.tasks.translation_training import TranslationWorkload
from tests.support import tiny
from tests.support.clock import hurry
from tests.support.command import LONGER, Seqx
from tests.support.processes import start


def test_training_ends_with_a_scored_run_folder(trained: Path) -> None:
    names = {path.name for path in trained.iterdir()}
    assert {
        "recipe.toml",
        "tokenizer.model",
        "model.safetensors",
        "run.json",
        "metrics.jsonl",
        "checkpoints",
        "test.jsonl",
        "ctranslate2",
    } <= names
    record = json.loads((trained / "run.json").read_text())
    scores = record["scores"]["test"]["scores"]
    assert [score["name"] for score in scores] == ["BLEU", "chrF2", "TER"]
    assert all("version:" in score["signature"] and score["low"] <= score["high"] for score in scores)
    assert record["corpora"]["found"] == "files" and len(record["corpora"]["train"][0]["sha256"].split()) == 2
    rows = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [20, 40, 60]
    assert not [
        path
        for path in trained.rglob("*")
        if path.suffix in (".pt", ".pkl") or path.name.endswith(".partial") or path.name.startswith(".ctranslate2")
    ]


def test_the_first_screen_says_what_is_used_and_where_the_loss_starts(seqx: Seqx, trained: Path, own: Path) -> None:
    screen = "".join((trained.parent / name).read_text(encoding="utf-8") for name in ("stderr", "stdout"))
    for expected in (
        "Device: cpu, float32",
        " of 200 (dropped: ",
        "uniform: ln V = 5.70",
        "dev BLEU",
        "BLEU by source length",
        "Try it: seqx translate",
    ):
        assert expected in screen
    again = seqx("train", *tiny.arguments(trained.parent), "--run", own, "--device", "cpu", *LONGER)
    assert again.code == 0 and "is trained already" in again.err


def test_quiet_writes_scores_alone(seqx: Seqx, tmp_path: Path) -> None:
    done = seqx("train", *tiny.arguments(tmp_path), "--quiet")
    assert done.code == 0 and done.err == ""
    assert done.out.startswith("test: 12 sentences")


def test_a_batch_that_memory_holds_is_found_and_kept_when_training_goes_on(seqx: Seqx, tmp_path: Path) -> None:
    given = tiny.arguments(tmp_path)
    done = seqx("train", *given, "--device", "cpu", "--batch-tokens", "auto")
    assert done.code == 0 and "Batch: 256 tokens: the recipe's own" in done.err, done.err
    again = seqx("train", *given, "--batch-tokens", "auto")
    assert again.code == 0 and "is trained already" in again.err
    other = seqx("train", *given, "--batch-tokens", "128")
    assert other.code == 1 and "training.batch_tokens: 256 -> 128" in other.err
    wrong = seqx("train", *given, "--batch-tokens", "lots")
    assert wrong.code == 1 and "'lots'" in wrong.err


def test_minutes_are_made_into_updates_that_stay_when_training_goes_on(
    seqx: Seqx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    given = [*tiny.arguments(tmp_path), "--device", "cpu"]
    done = seqx("train", *given, "--minutes", "0.15")
    assert done.code == 0 and "in about 0.15 minutes" in done.err and "validations" in done.err, done.err
    run = Run(tmp_path / "runs" / "tiny")
    training = run.recipe().training
    assert training.steps >= 20 and run.record()["finished"]["step"] == training.steps
    assert training.warmup_steps / training.steps == pytest.approx(4 / 6, rel=0.05)
    assert training.validate_every / training.steps == pytest.approx(2 / 6, rel=0.05)
    again = seqx("train", *given, "--minutes", "9")
    assert again.code == 0 and "is trained already" in again.err
    both = seqx("train", *given, "--minutes", "9", "--set", "training.steps=7")
    assert both.code == 2 and "give one of them" in both.err


def test_too_few_minutes_are_refused(seqx: Seqx, tmp_path: Path) -> None:
    given = tiny.arguments(tmp_path)
    done = seqx("train", *given, "--minutes", "0.01", "--set", "model.d_model=512", "--set", "model.d_ff=2048")
    assert done.code == 1 and "--minutes 0.01: time for" in done.err and not (tmp_path / "runs").exists()


def test_dry_run_measures_and_writes_nothing(seqx: Seqx, tmp_path: Path) -> None:
    given = tiny.arguments(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = seqx("train", *given, "--dry-run")
    assert done.code == 0, done.err
    for label in ("model", "update", "memory", "speed", "training"):
        assert any(line.startswith(label) for line in done.out.splitlines())
    assert sorted(tmp_path.rglob("*")) == before


def test_the_bundled_corpus_stands_in_and_says_so(seqx: Seqx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TranslationWorkload, "beginning_size", 5000)  # of its 102,000 pairs
    sizes = ("d_model=16", "d_ff=16", "n_heads=1", "encoder_layers=1", "decoder_layers=1")
    changes = (*(f"model.{size}" for size in sizes), "training.steps=1", "training.validate_sentences=2")
    changes += ("tokenizer.vocabulary_size=600",)
    tiny_budget = [word for change in changes for word in ("--set", change)]
    done = seqx("train", "--recipe", "fr-en", "--dry-run", *tiny_budget)
    assert done.code == 0, done.err
    assert "NOTE: corpus tatoeba is not under $SEQX_DATA, and sentence-transformers/" in done.err
    assert "bundled phrasebook" in done.out
    refused = seqx("train", "--recipe", "fr-en", "--no-fallback", *tiny_budget)
    assert refused.code == 1 and "seqx data get fr-en --to DIR" in refused.err


def test_a_rate_that_no_model_bears_is_an_error_of_a_few_lines(seqx: Seqx, tmp_path: Path) -> None:
    settings = ["learning_rate=1e30", "clip_norm=0", "steps=60", "validate_every=60"]
    changes = [part for setting in settings for part in ("--set", f"training.{setting}")]
    done = seqx("train", *tiny.arguments(tmp_path), *changes, "--device", "cpu")
    assert done.code == 1
    warnings = [line for line in done.err.splitlines() if line.startswith("WARNING: step")]
    assert "non-finite gradient, update skipped, 1 so far (" in warnings[0]
    assert sum("rolled back to step 0, at 0.5 times the learning rate" in line for line in warnings) == 1
    assert done.err.splitlines()[-1].startswith("seqx: after step 0 gradients became non-finite")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_the_same_command_finishes(seqx: Seqx, tmp_path: Path, number: signal.Signals) -> None:
    more = ["--set", "training.steps=300", "--set", "training.validate_every=300", "--device", "cpu"]
    command = ["train", *tiny.arguments(tmp_path), *more, "--run", str(tmp_path / "run")]
    process = start(*command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stderr is not None
    assert any(b"Loss before training" in line for line in iter(process.stderr.readline, b""))
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert b"all saved. The same command resumes from there" in err
    _, saved = sorted((tmp_path / "run" / "checkpoints").iterdir())
    step = int(saved.name.removeprefix("step-"))
    assert 0 < step < 300
    resumed = seqx(*command)
    assert resumed.code == 0, resumed.err
    assert f"Resuming from step {step:,};" in resumed.err
    assert resumed.out.startswith("test: 12 sentences")
