"""`seqx compare`: two runs that do the same, each judged as `seqx evaluate` judges it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.support import tiny
from tests.support.command import Seqx, run


@pytest.fixture(scope="module")
def texts(trained_text: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two finished language models, the second trained for longer, with another tokenizer."""
    folder = tmp_path_factory.mktemp("texts")
    longer = ["--set", "training.steps=40", "--set", "training.validate_every=20", "--set", "tokenizer.kind=byte"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("SEQX_RUNS", str(folder / "runs"))
        done = run(["train", *tiny.text_arguments(folder), "--run", str(folder / "long"), *longer], b"", monkeypatch)
    assert done.code == 0, done.err
    return Path(shutil.copytree(trained_text, folder / "short")), folder / "long"


def test_a_run_beside_itself_differs_in_nothing(seqx: Seqx, own: Path, trained: Path) -> None:
    same = json.loads(seqx("compare", trained, own, "--json").out)
    assert same["same"] == same["sentences"] == 12
    done = seqx("compare", trained, own)
    assert done.code == 0, done.err
    assert "12 sentences, 12 translated alike" in done.out and "BLEU" in done.out
    assert done.out.count("not significant (p >= 0.05)") == 3


def test_the_engine_is_the_one_that_serves_and_the_scores_are_those_of_evaluate(
    seqx: Seqx, own: Path, trained: Path
) -> None:
    scores = json.loads(seqx("evaluate", "--run", own, "--json").out)["scores"]
    done = seqx("compare", own, trained, "--json")
    assert done.code == 0 and done.err.count("by CTranslate2, ") == 2
    assert [each["first"] for each in json.loads(done.out)["differences"]] == [each["value"] for each in scores]
    shutil.rmtree(own / "ctranslate2")
    done = seqx("compare", own, trained)
    assert done.code == 0 and "by PyTorch, " in done.err and "by CTranslate2, " in done.err
    assert f"NOTE: {own} has no CTranslate2 copy" in done.err


@pytest.mark.parametrize("languages", [("en", "fr"), ("fr", "de"), ("es", "en")])
def test_runs_of_other_languages_are_refused(seqx: Seqx, own: Path, trained: Path, languages: tuple[str, str]) -> None:
    recipe = (own / "recipe.toml").read_text()
    for key, value in zip(("source", "target"), languages):
        recipe = re.sub(rf'(?m)^{key} = "..', f'{key} = "{value}', recipe)
    (own / "recipe.toml").write_text(recipe)
    done = seqx("compare", trained, own)
    assert done.code == 1 and done.out == ""
    assert f"{trained} translates fr to en, {own} translates {languages[0]} to {languages[1]}" in done.err
    assert len(done.err.splitlines()) == 1


def test_models_of_running_text_are_compared_by_bits_per_byte(seqx: Seqx, texts: tuple[Path, Path]) -> None:
    short, long = texts
    alone = json.loads(seqx("evaluate", "--run", short, "--json").out)["bits_per_byte"]
    found = json.loads(seqx("compare", short, long, "--json", "-q").out)
    assert found["first"] == pytest.approx(alone, rel=1e-6) and found["unit"] == "chunks"
    assert found["low"] <= found["second"] - found["first"] <= found["high"]
    shown = seqx("compare", short, long)
    assert shown.code == 0 and "bits per byte" in shown.out and "95 %" in shown.out and "p < 0.05" in shown.out
    assert "not significant" in seqx("compare", long, long).out
