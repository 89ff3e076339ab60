"""The attention that a run's page shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq2seq.report.attended import attended
from seq2seq.run import Run


@pytest.mark.parametrize("kind", ["trained", "trained_classifier"])
def test_texts_of_the_test_set_are_shown_with_their_attention(kind: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(kind)
    found = attended(Run(folder))
    assert 1 <= len(found) <= 3
    for attention in found:
        for weights in attention.weights:
            assert len(weights.matrix) == len(weights.queries) <= 70 and len(weights.keys) <= 70
            for row in weights.matrix:
                assert len(row) == len(weights.keys) and sum(row) == pytest.approx(1, abs=1e-5)
    assert attended(Run(folder)) == found


def test_a_run_without_weights_has_none(tmp_path: Path, trained: Path) -> None:
    (tmp_path / "recipe.toml").write_text((trained / "recipe.toml").read_text())
    assert attended(Run(tmp_path)) == []
