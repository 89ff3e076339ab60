"""Best-of-n against all choices of n, and the picture of a policy."""

from __future__ import annotations

import json
import math
from itertools import combinations
from pathlib import Path

import pytest
import torch

from seq2seq.errors import RunError
from seq2seq.evaluation.best_of import best_of, divergence
from seq2seq.evaluation.frontier import Point, curves, picture, table
from seq2seq.run import Run


def test_the_best_of_n_is_expected_over_all_choices_of_n() -> None:
    generator = torch.Generator().manual_seed(1)
    rewards, gold = torch.rand(2, 3, 5, generator=generator)
    rows = best_of(rewards, gold)
    assert [row["n"] for row in rows] == [1, 2, 4, 5]
    for row in rows:
        chosen = [
            max(places, key=lambda place: float(rewards[prompt, place]))
            for prompt in range(3)
            for places in combinations(range(5), row["n"])
        ]
        prompts = [prompt for prompt in range(3) for _ in combinations(range(5), row["n"])]
        assert row["reward"] == pytest.approx(rewards[prompts, chosen].mean().item())
        assert row["gold"] == pytest.approx(gold[prompts, chosen].mean().item())
    assert "gold" not in best_of(rewards, None)[0]


def test_its_divergence_is_that_of_the_distribution_of_the_best() -> None:
    """Of many equally probable outputs with different rewards: the best of n has rank r with probability n r^(n-1)."""
    count = 2000
    for n in (1, 2, 16):
        ranks = torch.arange(1, count + 1, dtype=torch.float64) / count
        chances = ranks**n - (ranks - 1 / count) ** n
        exact = (chances * (chances * count).log()).sum().item()
        assert divergence(n) == pytest.approx(exact, abs=0.01)
    assert divergence(1) == 0 and divergence(4) == pytest.approx(math.log(4) - 0.75)


def test_curves_are_drawn_from_what_training_recorded(tmp_path: Path) -> None:
    run = Run(tmp_path / "policy")
    run.path.mkdir()
    rows = [{"step": 8 * n, "dev_kl": 1.0 * n, "dev_reward": n / 2, "dev_gold": 1 - n / 4} for n in (1, 4)]
    run.metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run.note(best_of=[{"n": n, "kl": divergence(n), "reward": 0.1 * n, "gold": 0.2} for n in (1, 2)])
    best, policy = drawn = curves([run])
    assert best.name == "best of 1 to 2" and [point.reward for point in best.points] == [0.1, 0.2]
    assert policy.name == "policy" and [point.distance for point in policy.points] == [0.0, 1.0, 2.0]
    assert [point.gold for point in policy.points] == [0.2, 0.75, 0.0]
    assert picture(drawn).startswith(b"\x89PNG") and Point(kl=-0.1, reward=0.0, gold=None).distance == 0
    assert table(drawn)[-1] == {"curve": "policy", "distance": 2.0, "kl": 4.0, "reward": 2.0, "gold": 0.0}


def test_a_run_that_is_no_policy_has_no_curve(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has no figures of a policy"):
        curves([Run(tmp_path)])
