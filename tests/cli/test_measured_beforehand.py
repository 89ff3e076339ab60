"""What a recipe that improves a run takes is measured beforehand: --dry-run, --minutes, --batch-tokens auto, doctor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from seq2seq import tasks
from seq2seq.measure.agreement import compare
from seq2seq.measure.estimate import estimate
from seq2seq.measure.steps import ModelSteps, Stopwatch
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run
from tests.support import assistants, tiny
from tests.support.bad_input import snapshot
from tests.support.clock import hurry
from tests.support.command import Seqx
from tests.support.products import small_products

OPTIMIZER = """
[optimizer]
kind = "adamw"
[training]
steps = 4000
learning_rate = 1e-3
warmup_steps = 4
validate_every = 400
average_last = 1
precision = "float32"
"""
POLICY = f"""
task = "policy"
[start]
[data]
corpus = "own"
rater = "chrf"
{tiny.POLICY}"""
COMPARISONS = """
[start]
[data]
corpus = "own"
[comparisons]
rater = "chrf"
pairs = 2000
held_out = 10
max_tokens = 6
"""


@pytest.fixture
def sft(assistant: Run) -> Path:
    """A finished chat model."""
    return assistant.path


@pytest.fixture
def given(tmp_path: Path, sft: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The arguments of `seqx train` for each task."""
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("SEQX_DATA", str(tmp_path))
    for number, split in enumerate(("train", "dev", "test")):
        demonstrations = assistants.demonstrations(range(100 * number, 100 * number + 60))
        rows = [{"prompt": row["prompt"], "reference": row["completion"]} for row in demonstrations]
        (tmp_path / "own" / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    rows = [{"prompt": f"{n} cat?", "chosen": "red", "rejected": f"blue {n}"} for n in range(60)]
    (tmp_path / "comparisons.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assistants.write_rows(tmp_path / "demonstrations.jsonl", assistants.demonstrations(range(200)))
    (tmp_path / "verse.txt").write_text(tiny.verse(300, 1))
    for name, text in {
        "conversation": assistants.SFT,
        "policy": POLICY + OPTIMIZER,
        "reward": 'task = "reward"' + COMPARISONS + OPTIMIZER,
        "preference": 'task = "preference"' + COMPARISONS + OPTIMIZER,
    }.items():
        (tmp_path / f"{name}.toml").write_text(text)
    masked = ["--set", "tokenizer.vocabulary_size=280", "--set", "training.batch_tokens=512", "--data", "verse.txt"]
    start = ["--start", str(sft)]
    return {
        "conversation": ["--recipe", "conversation.toml", *start, "--data", "demonstrations.jsonl"],
        "masked": ["--recipe", "encoder-text", *masked],
        "reward": ["--recipe", "reward.toml", *start, "--data", "comparisons.jsonl"],
        "preference": ["--recipe", "preference.toml", *start],
        "policy": ["--recipe", "policy.toml", *start],
    }


SHOWN = {
    "conversation": ("192 conversations, about 1,012 target tokens per epoch", "512 padded tokens"),
    "masked": ("characters, about ", "512 padded tokens"),
    "reward": ("48 examples, about 48 comparisons per epoch", "4,096 padded tokens"),
    "preference": ("60 examples, about 2,000 comparisons per epoch", "4,096 padded tokens"),
    "policy": ("60 prompts", "4 of 8 completions, which are drawn once for 4 updates"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_dry_run_measures_and_leaves_nothing(
    seqx: Seqx, tmp_path: Path, given: dict[str, list[str]], name: str
) -> None:
    before = snapshot(tmp_path)
    done = seqx("train", *given[name], "--device", "cpu", "--dry-run")
    assert done.code == 0, done.err
    assert snapshot(tmp_path) == before
    assert all(words in done.out for words in (*SHOWN[name], "MiB measured", "s per update")), done.out


@pytest.mark.parametrize("name", ["preference", "policy"])
def test_minutes_are_for_samples_too(
    seqx: Seqx, given: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    hurry(monkeypatch)
    few = ["--set", "comparisons.pairs=40", "--set", "comparisons.held_out=5"] if name == "preference" else []
    done = seqx("train", *given[name], *few, "--device", "cpu", "--minutes", "0.3", "--run", "run")
    assert done.code == 0, done.err
    training = Run(Path("run")).recipe().training
    assert 10 <= training.steps < 4000 and training.validate_every <= training.steps
    assert name != "policy" or training.steps % 4 == 0
    assert Run(Path("run")).recipe().policy is None or Run(Path("run")).record()["best_of"]


def test_rollouts_count_as_time_of_the_updates_that_they_are_for(
    seqx: Seqx, given: dict[str, list[str]], sft: Path
) -> None:
    def seconds(epochs: int) -> float:
        changes = ["policy.rollouts=64", "policy.max_tokens=24", f"policy.epochs={epochs}"]
        recipe = recipe_files.load("policy.toml", changes, start=sft)
        return estimate(recipe, tasks.of(recipe).find({}), assistants.CPU, lambda message: None, 5.0).step_seconds

    assert seconds(1) > seconds(16)


def test_what_has_no_such_measure_says_so(
    seqx: Seqx, given: dict[str, list[str]], sft: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_products(monkeypatch)
    policy = seqx("train", *given["policy"], "--batch-tokens", "auto")
    assert policy.code == 1 and "policy.rollouts / policy.minibatches" in policy.err
    start = ["--set", f"start.run={sft}", "--seconds", "0.1"]
    done = seqx("bench", "--recipe", "reward.toml", *start)
    assert done.code == 1 and "`seqx train --recipe reward --dry-run` times whole updates" in done.err
    unnamed = seqx("doctor", "--recipe", "conversation.toml", "--quick")
    assert unnamed.code == 1 and "--set start.run=" in unnamed.err
    for number, split in enumerate(("train", "dev", "test")):
        rows = assistants.demonstrations(range(100 * number, 100 * number + 60))
        assistants.write_rows(Path("own") / f"{split}.jsonl", rows)
    done = seqx("bench", "--recipe", "conversation.toml", "--device", "cpu", *start)
    assert done.code == 0 and "own/train.jsonl, first 60 conversations" in " ".join(done.out.split()), done.err


@pytest.mark.parametrize("name", ["masked", "reward", "policy"])
def test_the_devices_are_measured_by_a_model_of_the_same_layers(
    seqx: Seqx, given: dict[str, list[str]], sft: Path, name: str
) -> None:
    if name == "masked":
        recipe = recipe_files.load("encoder-text", ["model.d_model=32", "training.batch_tokens=256"])
    else:
        recipe = recipe_files.load(f"{name}.toml", start=sft)
    steps = ModelSteps(recipe, assistants.CPU.numerics)
    row = steps.training(256, Stopwatch())
    assert row.timing.median > 0 and 0 < row.tokens <= 256
    assert not compare(recipe, torch.device("cpu")).fault
