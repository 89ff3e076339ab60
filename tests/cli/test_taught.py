"""A tiny model that has learnt its language, whose outputs are as varied as their sources: what the engines make of
it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seq2seq.run import Run
from tests.support import tiny
from tests.support.command import Seqx, run

CHANGES = (
    "model.norm=pre", "model.d_model=32", "model.d_ff=64", "training.steps=450", "training.validate_every=450",
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
