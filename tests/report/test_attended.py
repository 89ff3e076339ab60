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
    maps = [each for attention in found for each in attention.maps]
    for each in maps:
        assert max(each.mask.shape) <= 70 and each.mask.shape == (len(each.queries), len(each.keys))
        for layer in each.layers:
            assert layer.shape[1:] == each.mask.shape and layer.sum(-1) == pytest.approx(1, abs=1e-5)
    again = [each for attention in attended(Run(folder)) for each in attention.maps]
    assert [each.weights().tolist() for each in again] == [each.weights().tolist() for each in maps]


def test_too_many_heads_are_shown_by_their_means(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = attended(Run(trained))[0].maps
    monkeypatch.setattr("seq2seq.report.attended.WEIGHTS", 10)
    (attention, *_) = attended(Run(trained))
    assert attention.caption.endswith("(mean of each layer's heads)")
    (only,) = attention.maps
    assert only.kind == whole[0].kind and len(only.layers) == len(whole[0].layers) > 0
    for mean, layer in zip(only.layers, whole[0].layers):
        assert mean[0] == pytest.approx(layer.mean(0)) and len(layer) > len(mean) == 1


def test_a_run_without_weights_has_none(tmp_path: Path, trained: Path) -> None:
    (tmp_path / "recipe.toml").write_text((trained / "recipe.toml").read_text())
    assert attended(Run(tmp_path)) == []
