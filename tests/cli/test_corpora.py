"""Several corpora in one training, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from tests.support import tiny
from tests.support.command import Seqx

MIXED = """
[[data.corpora]]
name = "talk"
files = ["talk.tsv"]
share = 0.4
[[data.corpora]]
name = "news"
files = ["news.fr", "news.en"]
[[data.corpora]]
name = "gone"
share = 0.2
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe of two corpora that are there, and one that is not, in a folder of its own."""
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "talk.tsv").write_text("".join(f"{one}\t{other}\n" for one, other in tiny.pairs(80, 1)))
    tiny.write_pairs(folder, "news", tiny.pairs(200, 2))
    path = folder / "mixed.toml"
    path.write_text(tiny.RECIPE.replace('corpus = "nowhere"\n', "").replace("[tokenizer]", f"{MIXED}[tokenizer]", 1))
    return path


def test_each_kind_of_text_is_judged_and_what_is_missing_is_said(seqx: Seqx, recipe: Path, tmp_path: Path) -> None:
    done = seqx("train", "--recipe", recipe, "--run", "run", "--device", "cpu")
    assert done.code == 0, done.err
    assert "NOTE: left out: corpus gone is not under $SEQX_DATA" in done.err
    run = tmp_path / "run"
    figures = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()][-1]
    assert figures["dev_bleu"] == pytest.approx((figures["dev_bleu_talk"] + figures["dev_bleu_news"]) / 2)
    assert figures["dev_loss"] == pytest.approx((figures["dev_loss_talk"] + figures["dev_loss_news"]) / 2)
    strict = seqx("train", "--recipe", recipe, "--run", "other", "--no-fallback")
    assert (
        strict.code == 1 and "corpus gone is not under $SEQX_DATA" in strict.err and not (tmp_path / "other").exists()
    )
    record = json.loads((run / "run.json").read_text())
    scores = record["scores"]["test"]
    assert [kind["kind"] for kind in scores["by_kind"]] == ["talk", "news"]
    assert scores["macro"]["BLEU"] == pytest.approx(sum(kind["scores"][0]["value"] for kind in scores["by_kind"]) / 2)
    assert sum(part["kept"] for part in record["pairs"]["sources"]) == record["pairs"]["kept"]
    assert "mean over the kinds: BLEU" in done.out
    again = seqx("evaluate", "--run", run, "--input", run / "test.jsonl", "--json")
    assert again.code == 0, again.err
    shown = json.loads(again.out)
    assert shown["by_kind"] == scores["by_kind"] and shown["macro"] == scores["macro"]
    assert seqx("train", "--recipe", recipe, "--run", "run", "--device", "cpu").code == 0
    (recipe.parent / "news.en").write_text((recipe.parent / "news.en").read_text().replace("dog", "cow"))
    changed = seqx("train", "--recipe", recipe, "--run", "run", "--device", "cpu")
    assert changed.code == 1 and "was begun on other text" in changed.err


def test_data_is_added_to_a_recipe(seqx: Seqx, recipe: Path, tmp_path: Path) -> None:
    tiny.write_pairs(tmp_path, "ours", tiny.pairs(90, 3))
    table = tmp_path / "inner" / "ours.tsv"  # of the same name
    table.parent.mkdir()
    table.write_text("".join(f"{one}\t{other}\n" for one, other in tiny.pairs(70, 4)))
    added = ("--add-data", "ours.fr,ours.en:0.25", "--add-data", table)
    done = seqx("train", "--recipe", recipe, "--run", "run", "--device", "cpu", *added)
    assert done.code == 0, done.err
    kept = (tmp_path / "run" / "recipe.toml").read_text()
    assert 'name = "ours"' in kept and "share = 0.25" in kept and str(table) in kept
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [kind["kind"] for kind in record["scores"]["test"]["by_kind"]] == ["talk", "news", "ours", "ours-2"]
    assert len(record["corpora"]["train"]) == 4


@pytest.mark.parametrize(
    ("added", "code", "said"),
    [
        (("--add-data", "absent.tsv"), 1, "absent.tsv"),
        (("--add-data", "a.tsv:1.5"), 2, "a share is over 0 and at most 1, not 1.5"),
        (("--add-data", "a.tsv:0.9", "--add-data", "b.tsv:0.2"), 1, "must not exceed 1"),
        (("--add-data", "x/talk.tsv"), 1, "x/talk.tsv"),
        (("--add-data", ".tsv"), 1, "name"),
        (("--add-data", "a.tsv", "--data", "b.tsv"), 2, "--add-data a.tsv goes with the recipe's own corpora"),
    ],
)
def test_what_cannot_be_added_is_refused(
    seqx: Seqx, recipe: Path, tmp_path: Path, added: tuple[str, ...], code: int, said: str
) -> None:
    done = seqx("train", "--recipe", recipe, "--run", "run", *added)
    assert (done.code, done.err.count("\n") <= 2) == (code, True), done.err
    assert said in done.err
    assert not (tmp_path / "run").exists()


def test_a_test_set_by_kind_that_is_none_is_refused(seqx: Seqx, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_text('{"source": "un", "target": "one"}\n{"source": "deux"}\n')
    done = seqx("evaluate", "--run", trained, "--input", "set.jsonl")
    assert done.code == 1
    assert "set.jsonl, line 2: not a test sentence" in done.err and '"kind": "news"' in done.err


def test_a_corpus_that_cannot_be_fetched_does_not_prevent_the_others(seqx: Seqx, tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        rows = [{"fr": one, "en": other} for one, other in tiny.pairs(5, len(split))]
        (tmp_path / "hub").mkdir(exist_ok=True)
        pyarrow.parquet.write_table(pyarrow.table({"translation": rows}), tmp_path / "hub" / f"{split}.parquet")
    corpora = "".join(
        f'[[data.corpora]]\nname = "{name}"\n[data.corpora.hub]\npath = "{tmp_path / folder}"\n'
        for name, folder in (("gone", "absent"), ("talk", "hub"))
    )
    (tmp_path / "two.toml").write_text(corpora)
    done = seqx("data", "get", "two.toml", "--to", "mirror")
    assert done.code == 1
    assert "absent (train) cannot be fetched" in done.err
    assert (tmp_path / "mirror" / "talk" / "test.en").is_file() and not (tmp_path / "mirror" / "gone").exists()
