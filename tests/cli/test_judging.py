"""`seqx evaluate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sacrebleu

from tests.support import tiny
from tests.support.command import Seqx


def test_evaluate_scores_the_recipes_test_set_and_keeps_what_it_judged_apart(seqx: Seqx, own: Path) -> None:
    former, record = (own / "test.translations.txt").read_bytes(), json.loads((own / "run.json").read_text())
    done = seqx("evaluate", "--run", own, "--beam-size", "1", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["sentences"] == 12
    now = json.loads((own / "run.json").read_text())
    (kept,) = now.pop("evaluations").values()
    assert now == record and (own / "test.translations.txt").read_bytes() == former
    translations = (own / kept["translations"]).read_text(encoding="utf-8").removesuffix("\n").split("\n")
    references = [target for _, target in tiny.pairs(12, 3)]
    assert found["scores"][1]["value"] == pytest.approx(sacrebleu.corpus_chrf(translations, [references]).score)
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
    record = json.loads((own / "run.json").read_text())
    assert set(record["scores"]) == {"test"}
    (kept,) = record["evaluations"].values()
    assert kept["set"] == "extra" and kept["files"] == [str(path) for path in (source, target, target)]


def test_evaluate_names_an_unknown_sacrebleu_set(seqx: Seqx, own: Path) -> None:
    done = seqx("evaluate", "--run", own, "--sacrebleu", "wmt1066")
    assert done.code == 1 and "no test set 'wmt1066'" in done.err and len(done.err.splitlines()) <= 3
