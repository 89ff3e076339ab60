"""`seqx chat`, and `seqx train --with-ancestors`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from seq2seq.recipe import files
from seq2seq.run import Run
from tests.support import assistants
from tests.support.command import Seqx


@pytest.fixture
def run(assistant: Run) -> Path:
    return assistant.path


def test_turns_are_given_typed_or_piped_and_the_history_counts(seqx: Seqx, run: Path) -> None:
    turns = ["240 cat?", "241 dog?"]
    given = seqx("chat", "--run", run, "--seed", "1", "--temperature", "0", *turns)
    assert given.code == 0 and len(given.out.splitlines()) == 2
    piped = seqx("chat", "--run", run, "--temperature", "0", stdin="\n".join(turns).encode())
    assert piped.out == given.out
    forgot = seqx("chat", "--run", run, "--temperature", "0", "--json", turns[0], "/reset", turns[1])
    rows = [json.loads(line) for line in forgot.out.splitlines()]
    alone = seqx("chat", "--run", run, "--temperature", "0", "--json", turns[1])
    assert rows[1] == json.loads(alone.out) and rows[0]["user"] == turns[0] and rows[0]["ended"] in ("end", "length")


def test_old_turns_leave_the_context_and_too_long_ones_are_refused(seqx: Seqx, run: Path) -> None:
    done = seqx("chat", "--run", run, "--temperature", "0", "--max-tokens", "8", *["240 cat?"] * 9)
    assert done.code == 0 and done.err.count("the oldest turns do not fit") == 1 and len(done.out.splitlines()) == 9
    long = seqx("chat", "--run", run, "a" * 100)
    assert long.code == 1 and "100 tokens long" in long.err and not long.out


def test_two_runs_answer_side_by_side(seqx: Seqx, run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(run, other)
    done = seqx("chat", "--run", run, "--compare", other, "--temperature", "0", "240 cat?")
    first, second = done.out.splitlines()
    assert first.removeprefix(f"{run}: ") == second.removeprefix(f"{other}: ")
    assert seqx("chat", "--run", run, "--compare", run, "a").code == 2


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--temperature", "0", "--top-p", "0.5"], 2, "--top-p"),
        (["--max-tokens", "0"], 2, "max-tokens"),
        (["--run", "nowhere"], 1, "no run folder nowhere"),
        (["--temperature", "-1"], 2, "temperature"),
    ],
)
def test_bad_input(seqx: Seqx, run: Path, options: list[str], code: int, message: str) -> None:
    named = [] if "--run" in options else ["--run", run]
    done = seqx("chat", *named, *options, "hello")
    assert done.code == code and message in done.err and not done.out


def test_what_a_recipe_stands_on_is_named_or_trained_first(
    seqx: Seqx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQX_RUNS", str(tmp_path / "runs"))
    (tmp_path / "own.toml").write_text(assistants.SFT.replace("[start]", '[start]\nrecipe = "gpt-shakespeare"'))
    demonstrations = assistants.write_rows(tmp_path / "train.jsonl", assistants.demonstrations(range(200)))
    train = ["train", "--recipe", tmp_path / "own.toml", "--data", demonstrations]
    done = seqx(*train)
    assert done.code == 1 and "`seqx train --recipe gpt-shakespeare` first, or add --with-ancestors" in done.err
    assert not (tmp_path / "runs" / "own").exists()
    circle = (tmp_path / "own.toml").read_text().replace("gpt-shakespeare", str(tmp_path / "own.toml"))
    (tmp_path / "own.toml").write_text(circle)
    assert Run(tmp_path / "runs" / "own").finished is False
    done = seqx(*train, "--with-ancestors")
    assert done.code == 1 and "stands on" in done.err


def test_a_seed_is_for_all_that_a_recipe_stands_on(seqx: Seqx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQX_RUNS", str(tmp_path))
    begun = Run(tmp_path / "assistant-base")
    begun.claim(files.load("assistant-base"))
    begun.note(seed=1)
    done = seqx("train", "--recipe", "assistant-sft", "--with-ancestors", "--seed", 2)
    assert done.code == 1 and str(begun.path) in done.err and "training.seed" in done.err
    done = seqx("train", "--recipe", "assistant-sft", "--with-ancestors", "--dry-run")
    assert done.code == 2 and "--dry-run does not go with --with-ancestors" in done.err
