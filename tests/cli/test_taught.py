"""A tiny model that has learnt its language, whose outputs are as varied as their sources: what the engines make of
it, and what a shortlist is worth."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from seq2seq.decoding.ctranslate2_file import SHORTLIST
from seq2seq.export.shortlist import Shortlist, keep, read

from seq2seq.run import Run
from tests.support import tiny
from tests.support.command import Seqx, run

CHANGES = (
    "model.norm=pre", "model.d_model=32", "model.d_ff=64", "training.steps=450", "training.validate_every=225",
    "training.learning_rate=1e-2", "training.warmup_steps=50", "training.schedule=linear",
)  # fmt: skip


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that translates most sentences rightly, as its scores show."""
    folder = tmp_path_factory.mktemp("taught")
    changes = [word for change in CHANGES for word in ("--set", change)]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("SEQX_RUNS", str(folder / "runs"))
        given = ["train", *tiny.arguments(folder), "--run", str(folder / "run"), "--device", "cpu", *changes]
        done = run(given, b"", monkeypatch)
    assert done.code == 0, done.err
    (score, *_) = Run(folder / "run").record()["scores"]["test"]["scores"]
    assert score["name"] == "BLEU" and score["value"] > 30
    return folder / "run"


@pytest.fixture(scope="module")
def sentences() -> str:
    return "".join(source + "\n" for source, _ in tiny.pairs(60, seed=9))


@pytest.mark.parametrize("more", [("--beam-size", "1"), ("--beam-size", "4"), ("--beam-size", "5", "--n-best", "2")])
def test_the_engines_write_the_same_and_pytorch_never_a_worse_one(
    seqx: Seqx, taught: Path, sentences: str, more: tuple[str, ...]
) -> None:
    def rows(engine: str) -> list[dict[str, Any]]:
        given = ("--run", taught, "--engine", engine, "--precision", "float32", "--device", "cpu", "--json", *more)
        done = seqx("translate", *given, stdin=sentences.encode())
        assert done.code == 0 and not done.err, done.err
        return [json.loads(line) for line in done.out.splitlines()]

    plain, fast = rows("torch"), rows("ctranslate2")
    assert len({row["translation"] for row in plain}) > 50
    alike = [(one, other) for one, other in zip(plain, fast, strict=True) if one["translation"] == other["translation"]]
    assert len(alike) == 60 if "1" in more else len(alike) >= 50
    for one, other in alike:
        assert other["score"] == pytest.approx(one["score"], abs=1e-4)
        assert other["log_probability"] == pytest.approx(one["log_probability"], abs=1e-3)
    # A beam of CTranslate2 stops at patience times its size of finished outputs, PyTorch's when none can beat its best.
    assert all(one["score"] > other["score"] - 1e-4 for one, other in zip(plain, fast))


def test_a_shortlist_keeps_bleu_and_one_that_does_not_is_not_kept(seqx: Seqx, taught: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(taught, tmp_path / "own"))
    made = Run(own).record()["ctranslate2"]
    assert made["shortlist"] and made["bleu"]["int8 with a shortlist"] > made["bleu"]["float32"] - 0.3
    assert seqx("translate", "--run", own, "--shortlist", "un chat rouge").code == 0
    learned = read(own, 1000, 1000)
    assert learned is not None
    first = learned.always[:1]
    keep(Shortlist(first, dict.fromkeys(learned.candidates, first)), own)
    assert seqx("export", "--run", own).code == 0
    made = Run(own).record()["ctranslate2"]
    assert not made["shortlist"] and made["bleu"]["int8 with a shortlist"] < made["bleu"]["float32"] - 0.3
    assert not (own / "ctranslate2" / "int8" / SHORTLIST).exists()
    refused = seqx("translate", "--run", own, "--shortlist", "un chat rouge")
    assert refused.code == 1 and "has no shortlist" in refused.err
