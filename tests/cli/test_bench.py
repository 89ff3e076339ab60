"""`seqx bench`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import tiny
from tests.support.command import Seqx
from tests.support.products import small_products

PARTS = ["data", "forward", "loss", "backward", "optimiser"]


@pytest.fixture(autouse=True)
def _small_products(monkeypatch: pytest.MonkeyPatch) -> None:
    small_products(monkeypatch)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A recipe that takes no time, whose corpus is not here."""
    path = tmp_path / "small.toml"
    path.write_text(tiny.RECIPE, encoding="utf-8")
    return path


def test_bench_trains_a_recipe_without_a_run(seqx: Seqx, small: Path) -> None:
    done = seqx("bench", "--recipe", small, "--seconds", "0.2", "--json", "--quiet", "--device", "cpu")
    assert done.code == 0, done.err
    assert done.err == ""
    found = json.loads(done.out)
    assert found["recipe"] == "small" and found["precision"] == "float32" and found["machine"]["threads"] == 1
    assert list(found["training"]["parts"]) == PARTS
    assert found["run"] is None and found["translating"] == [] and found["loading_seconds"] is None
    assert not Path("runs").exists()


def test_bench_measures_all_of_a_run(seqx: Seqx, trained: Path) -> None:
    done = seqx("bench", "--run", trained, "--seconds", "0.2", "--json", "--device", "cpu")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["run"] == str(trained)
    assert any("torch" in each["engine"].lower() for each in found["translating"])
    for each in found["translating"]:
        assert each["lines"] == 12 and each["lines_per_second"]["median"] > 0
    assert found["loading_seconds"]["median"] > found["translating"][0]["first_answer_seconds"]["median"]


def test_bench_shows_tables(seqx: Seqx, small: Path) -> None:
    done = seqx("bench", "-r", small, "--set", "training.batch_tokens=128", "--seconds", "0.2", "--device", "cpu")
    assert done.code == 0, done.err
    for part in ("target tokens/s", "share of that peak", "padding", "OMP_WAIT_POLICY", *PARTS):
        assert part in done.out
    assert "Translating" not in done.out


def test_the_bundled_corpus_stands_in(seqx: Seqx, tmp_path: Path) -> None:
    changed = tiny.TEXT_RECIPE.replace('corpus = "nowhere"', 'corpus = "nowhere"\nbundled = "play"')
    (tmp_path / "play.toml").write_text(changed, encoding="utf-8")
    done = seqx("bench", "-r", "play.toml", "--seconds", "0.2", "--device", "cpu")
    assert done.code == 0, done.err
    assert "The bundled play is used instead" in done.err and "characters" in done.out


def test_bench_takes_a_run_or_a_recipe(seqx: Seqx, trained: Path) -> None:
    done = seqx("bench", "--run", trained, "--recipe", "fr-en")
    assert done.code == 2 and "has a recipe of its own" in done.err
