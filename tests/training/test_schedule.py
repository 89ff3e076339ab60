"""The learning rate of section 5.3."""

from __future__ import annotations

import pytest

from seq2seq.recipe import Recipe
from seq2seq.training.schedule import for_recipe, inverse_square_root


@pytest.mark.parametrize(("d_model", "warmup"), [(512, 4000), (1024, 4000), (64, 1), (256, 300)])
def test_an_unset_rate_is_the_papers_formula(d_model: int, warmup: int) -> None:
    schedule = for_recipe(Recipe.model_validate({"model": {"d_model": d_model}, "training": {"warmup_steps": warmup}}))
    for step in (1, 2, 299, 300, 301, 3999, 4000, 4001, 100_000):
        assert schedule(step) == pytest.approx(d_model**-0.5 * min(step**-0.5, step * warmup**-1.5), rel=1e-12)


def test_a_rate_that_is_set_is_the_peak() -> None:
    schedule = for_recipe(Recipe.model_validate({"training": {"learning_rate": 3e-4, "warmup_steps": 50}}))
    assert max(range(1, 500), key=schedule) == 50
    assert schedule(50) == pytest.approx(3e-4)


def test_it_rises_in_a_line_then_falls_with_the_square_root() -> None:
    schedule = inverse_square_root(peak=1.0, warmup_steps=100)
    assert [schedule(step) for step in (1, 25, 50)] == pytest.approx([0.01, 0.25, 0.5])
    assert [schedule(step) for step in (400, 10_000)] == pytest.approx([0.5, 0.1])
