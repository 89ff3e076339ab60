"""A dry run looks at the text as a training run does; minutes and pairs that judge stay with a run that goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.phrasebook.generator import phrases
from tests.support import tiny
from tests.support.bad_input import snapshot
from tests.support.command import Seqx

LONG = " ".join(["quatre"] * 40)
BAD = {
    "a vocabulary larger than the text": (["--set", "tokenizer.vocabulary_size=9000"], {}),
    "a vocabulary without the characters": (["--set", "tokenizer.vocabulary_size=5"], {}),
    "pairs that are all too long": (["--set", "data.max_length=2"], {}),
    "dev that is too long": ([], {"dev": [(LONG, LONG)] * 3}),
    "dev that is blank": ([], {"dev": [(" ", " ")] * 3}),
    "test that is blank": ([], {"test": [(" ", " ")] * 3}),
    "training text that is dev": ([], {"train": tiny.pairs(12, 2)}),
}


@pytest.mark.parametrize("name", BAD)
def test_what_training_refuses_a_dry_run_refuses(seqx: Seqx, tmp_path: Path, name: str) -> None:
    more, texts = BAD[name]
    given = tiny.arguments(tmp_path)
    for stem, rows in texts.items():
        tiny.write_pairs(tmp_path, stem, rows)
    before = snapshot(tmp_path)
    dry = seqx("train", *given, *more, "--run", "run", "--dry-run")
    assert snapshot(tmp_path) == before and dry.out == ""
    real = seqx("train", *given, *more, "--run", "run")
    assert dry.code == real.code == 1
    assert dry.err.splitlines()[-1] == real.err.splitlines()[-1]


def test_a_dry_run_says_what_it_does(seqx: Seqx, tmp_path: Path) -> None:
    given = tiny.arguments(tmp_path)
    before = snapshot(tmp_path)
    done = seqx("train", *given, "--dry-run")
    assert done.code == 0 and snapshot(tmp_path) == before
    for line in ("Reading the text", "Tokenizer: bpe, 300 tokens", "Training pairs: ", "Timing updates"):
        assert any(each.startswith(line) for each in done.err.splitlines()), line
    assert "200 pairs" in done.out and "MiB measured" in done.out
    assert seqx("train", *given, "--dry-run", "-q").err == ""


def test_so_many_pairs_judge_and_a_run_that_goes_on_keeps_them(seqx: Seqx, tmp_path: Path) -> None:
    given = tiny.arguments(tmp_path)
    done = seqx("train", *given, "--run", "run", "--set", "data.judge_pairs=5")
    assert done.code == 0 and "test: 5 sentences" in done.out
    assert (tmp_path / "run" / "test.jsonl").read_text().count("\n") == 5
    again = seqx("train", *given, "--run", "run", "--minutes", "1")
    assert again.code == 0 and "is trained already" in again.err and "the first 5 pairs of each" in again.err


def test_a_dry_run_notes_what_training_notes(seqx: Seqx, tmp_path: Path) -> None:
    given = tiny.arguments(tmp_path)
    tiny.write_pairs(tmp_path, "train", [pair[::-1] for pair in phrases()[:1000]])
    noted = [
        [line for line in seqx("train", *given, *more).err.splitlines() if line.startswith("NOTE: ")]
        for more in (["--dry-run"], ["--run", "run"])
    ]
    assert noted[0] == noted[1] and any("swap the files" in line for line in noted[0])
