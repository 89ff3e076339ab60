"""Which engine serves a run, and how a run gets the fast one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.command import Seqx, heavy_imports


def test_a_sentence_is_translated_without_torch(trained: Path) -> None:
    given = ["translate", "--run", str(trained), "un chat"]
    assert heavy_imports(given, [*given, "--json", "--n-best", "2"], [*given, "--precision", "float32"]) == []


def test_engines_translate_alike(seqx: Seqx, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("un chat\n\ndeux chiens rouges\ntrois\n")
    found = [
        seqx("translate", "--run", trained, "--input", "in.txt", "--engine", engine, "--precision", "float32")
        for engine in ("torch", "ctranslate2", "auto")
    ]
    assert {done.code for done in found} == {0}
    assert len({done.out for done in found}) == 1 and not any(done.err for done in found)


def test_a_run_without_a_copy_says_so_unless_quiet_and_gets_one(seqx: Seqx, own: Path) -> None:
    wanted = seqx("translate", "--run", own, "--precision", "float32", "un chat").out
    shutil.rmtree(own / "ctranslate2")
    done = seqx("translate", "--run", own, "un chat", "--precision", "float32")
    assert done.out == wanted and f"seqx export --run {own}" in done.err
    assert seqx("translate", "--run", own, "--quiet", "un chat").err == ""
    refused = seqx("translate", "--run", own, "--engine", "ctranslate2", "un chat")
    assert refused.code == 1 and f"seqx export --run {own}" in refused.err
    made = seqx("export", "--run", own)
    assert made.code == 0 and "of 12 sentences" in made.err and made.out == ""
    assert seqx("translate", "--run", own, "--engine", "ctranslate2", "un chat").err == ""


def test_what_is_no_engine_no_precision_and_no_format_is_named(seqx: Seqx, trained: Path) -> None:
    for option, value in (("--engine", "onnx"), ("--precision", "int4")):
        done = seqx("translate", "--run", trained, option, value, "un chat")
        assert done.code == 2 and f"{option} {value}: use auto" in done.err
    done = seqx("export", "--run", trained, "--format", "onnx")
    assert done.code == 2 and "--format onnx" in done.err


def test_sampling_takes_pytorch_and_says_nothing(seqx: Seqx, trained: Path) -> None:
    done = seqx("translate", "--run", trained, "--sample", "un chat")
    assert done.code == 0 and done.err == ""
    refused = seqx("translate", "--run", trained, "--sample", "--engine", "ctranslate2", "un chat")
    assert refused.code == 1 and "only PyTorch draws" in refused.err


@pytest.mark.parametrize("engine", ["torch", "ctranslate2"])
def test_scores_are_those_that_translate_reports(seqx: Seqx, trained: Path, tmp_path: Path, engine: str) -> None:
    row = json.loads(seqx("translate", "--run", trained, "--engine", engine, "--json", "un chat").out)
    (tmp_path / "source").write_text("un chat\n")
    (tmp_path / "target").write_text(row["translation"] + "\n")
    scored = seqx(
        "score", "--run", trained, "--engine", engine, "--json", "--source-file", "source", "--target-file", "target"
    )
    found = json.loads(scored.out)
    if found["pieces"] == row["pieces"]:  # else the model segments the text otherwise than the tokenizer
        assert found["score"] == pytest.approx(row["score"], abs=1e-5)
        assert found["token_scores"] == pytest.approx(row["token_scores"], abs=1e-5)


def test_evaluate_says_which_engine_judged(seqx: Seqx, own: Path) -> None:
    for engine, shown in (("torch", "PyTorch, cpu"), ("ctranslate2", "CTranslate2, ")):
        done = seqx("evaluate", "--run", own, "--engine", engine, "--device", "cpu")
        assert done.code == 0 and shown in done.err
        kept = json.loads((own / "run.json").read_text())["evaluations"].values()
        assert any(each["engine"].startswith(shown) for each in kept)
