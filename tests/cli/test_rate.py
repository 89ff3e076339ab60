"""`seqx rate`, and what is learnt from its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seq2seq.run import Run
from tests.support import assistants
from tests.support.command import Seqx


@pytest.fixture(scope="module")
def sft(assistant_base: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished chat model that has hardly learnt: no two answers are equal."""
    text = assistants.SFT.replace("steps = 80", "steps = 1")
    run, training = assistants.assistant_session(tmp_path_factory.mktemp("assistants"), assistant_base, text=text)
    list(training.events())
    return run.path


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    (tmp_path / "prompts").write_text("".join(f"{number} cat?\n" for number in range(40)))
    return tmp_path / "prompts"


def test_a_reward_model_learns_from_the_file_by_the_command_that_is_shown(
    seqx: Seqx, sft: Path, prompts: Path, tmp_path: Path
) -> None:
    rated = seqx("rate", "--run", sft, "--input", prompts, "--max-tokens", "6", stdin=b"1\n" * 40)
    assert rated.code == 0, rated.err
    assert "= (equal), s (skip) or q (quit)" in rated.err.splitlines()[0] and "ratings.jsonl" in rated.err
    rows = [json.loads(line) for line in (tmp_path / "ratings.jsonl").read_text().splitlines()]
    assert len(rows) > 20 and rows[0].keys() == {"prompt", "chosen", "rejected"}
    (command,) = (line.partition("seqx train ")[2].partition(";")[0] for line in rated.err.splitlines()[-1:])
    steps = ["--set", "training.steps=2", "--set", "training.validate_every=1", "--set", "training.warmup_steps=1"]
    done = seqx("train", *command.split(), *steps, "--device", "cpu", "--run", "reward")
    assert done.code == 0, done.err
    assert "dev accuracy" in done.err and "as flipped as" not in done.err and "comparisons, accuracy" in done.out


def test_answers_are_indented_below_their_numbers(seqx: Seqx, sft: Path, prompts: Path) -> None:
    done = seqx("rate", "--run", sft, "--input", prompts, "--max-tokens", "40", stdin=b"\n?\ns\nq\n")
    assert done.code == 0 and "'?': Type 1, 2" in done.err and "1 skipped" in done.err
    starts = ("user: ", "  1  ", "  2  ", " " * 5)
    lines = [line for line in done.out.splitlines() if line]
    assert lines[0].startswith("user: ") and all(line.startswith(starts) for line in lines)
