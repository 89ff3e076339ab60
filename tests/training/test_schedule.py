"""The learning rate of section 5.3."""

from __future__ import annotations

import math
from itertools import pairwise

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


def of(**training: object) -> list[float]:
    """The rates of 100 steps, the first 10 of them warm-up, the peak 1."""
    settings = {"learning_rate": 1.0, "warmup_steps": 10, "steps": 100, **training}
    schedule = for_recipe(Recipe.model_validate({"training": settings}))
    return [schedule(step) for step in range(1, 101)]


@pytest.mark.parametrize("name", ["linear", "cosine", "wsd"])
def test_every_falling_schedule_rises_to_the_peak_falls_and_ends_at_its_share(name: str) -> None:
    for share in (0.0, 0.1):
        rates = of(schedule=name, final_share=share)
        assert rates[:10] == pytest.approx([0.1 * step for step in range(1, 11)])
        assert max(rates) == pytest.approx(1.0)
        assert all(late <= early + 1e-12 for early, late in pairwise(rates[9:]))
        assert share < rates[-1] < share + 0.04  # there just after the last step


def test_cosine_is_half_a_wave() -> None:
    rates = of(schedule="cosine", final_share=0.2, steps=109)
    assert rates[9 + 50 - 1] == pytest.approx(0.2 + 0.8 * (1 + math.cos(math.pi * 49 / 100)) / 2)


def test_warm_up_stable_decay_is_level_until_the_decay() -> None:
    rates = of(schedule="wsd", decay_share=0.5, steps=109)
    assert rates[9:60] == pytest.approx([1.0] * 51)
    assert rates[60 + 24] == pytest.approx(0.5, abs=0.03)
