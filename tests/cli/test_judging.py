"""`seqx evaluate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sacrebleu

from tests import tiny
from tests.cli.conftest import Seqx


def test_evaluate_scores_the_recipes_test_set_and_keeps_the_scores(seqx: Seqx, own: Path) -> None:
    done = seqx("evaluate", "--run", own, "--beam-size", "1", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["sentences"] == 12
    translations = (own / "test.translations.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    references = [target for _, target in tiny.pairs(12, 3)]
    assert found["scores"][1]["value"] == pytest.approx(sacrebleu.corpus_chrf(translations, [references]).score)
    kept = json.loads((own / "run.json").read_text())["scores"]["test"]
    assert kept["scores"] == found["scores"] and kept["beam_size"] == 1


def test_evaluate_on_files_with_several_references(seqx: Seqx, own: Path, tmp_path: Path) -> None:
    source, target = tiny.write_pairs(tmp_path, "extra", tiny.pairs(5, 7))
    done = seqx(
        "evaluate",
        "--run",
        own,
        "--source-file",
        source,
        "--target-file",
        target,
        "--target-file",
        target,
        "--output",
        "out.txt",
    )
    assert done.code == 0, done.err
    assert "extra: 5 sentences" in done.out and "against all known references" in done.out and "nrefs:2" in done.out
    assert len((tmp_path / "out.txt").read_text().splitlines()) == 5
    assert set(json.loads((own / "run.json").read_text())["scores"]) == {"test", "extra"}


def test_evaluate_names_an_unknown_sacrebleu_set(seqx: Seqx, own: Path) -> None:
    done = seqx("evaluate", "--run", own, "--sacrebleu", "wmt1066")
    assert done.code == 1 and "no test set 'wmt1066'" in done.err and len(done.err.splitlines()) <= 3
