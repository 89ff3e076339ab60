"""Sampling draws from the distribution it says, as a pure function of its seed."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seq2seq.data.tokenizers import BOS, EOS, PAD, UNKNOWN
from seq2seq.decoding.sampling import Sampling, probabilities, sample
from seq2seq.decoding.search import Hypothesis, greedy
from tests.fakes import TableSteps

CPU = torch.device("cpu")


def draw(steps: TableSteps, sentences: list[int], limits: list[int], settings: Sampling) -> list[Hypothesis]:
    return sample(steps, steps.start(sentences), limits, settings, alpha=0.6, device=CPU)


def logs(*masses: float) -> Tensor:
    return torch.tensor([masses]).log()


@given(seed=st.integers(0, 10_000))
def test_a_seed_decides_the_output(seed: int) -> None:
    steps = TableSteps(9, seed=1)
    settings = Sampling(seed=seed)
    assert draw(steps, [0, 1, 2], [5, 3, 8], settings) == draw(steps, [0, 1, 2], [5, 3, 8], settings)


def test_other_seeds_give_other_outputs() -> None:
    steps = TableSteps(30, seed=1, end=-3.0)
    assert len({draw(steps, [0], [10], Sampling(seed=seed))[0].tokens for seed in range(10)}) == 10


def test_outputs_come_as_often_as_they_are_probable() -> None:
    """A chi-square test over whole outputs of up to two tokens; what is banned leaves its probability to the others."""
    steps, count = TableSteps(6, seed=4), 20_000
    counted = Counter(found.tokens for found in draw(steps, [0] * count, [2] * count, Sampling(seed=3)))

    def allowed(tokens: tuple[int, ...]) -> dict[int, float]:
        if len(tokens) == 2:
            return {EOS: 1.0}
        masses = {
            t: math.exp(score)
            for t, score in enumerate(steps.log_probabilities(0, tokens))
            if t not in (PAD, UNKNOWN, BOS)
        }
        return {token: mass / sum(masses.values()) for token, mass in masses.items()}

    expected: dict[tuple[int, ...], float] = {}
    for tokens in [(), *((a,) for a in (4, 5)), *((a, b) for a in (4, 5) for b in (4, 5))]:
        spelt = (*tokens, EOS)
        expected[tokens] = count * math.prod(allowed(spelt[:t])[token] for t, token in enumerate(spelt))
    assert sum(expected.values()) == pytest.approx(count)
    assert set(counted) <= set(expected)
    statistic = sum((counted[tokens] - number) ** 2 / number for tokens, number in expected.items())
    assert statistic < 22.5  # six degrees of freedom: one honest sampler in a thousand is above


def test_scores_are_the_models_own_whatever_the_temperature() -> None:
    steps = TableSteps(8, seed=2)
    for found in draw(steps, [0, 0, 0], [4, 4, 4], Sampling(temperature=3.0, top_k=4)):
        spelt = (*found.tokens, EOS)
        wanted = [steps.log_probabilities(0, spelt[:t])[token] for t, token in enumerate(spelt)]
        assert found.token_scores == pytest.approx(wanted, abs=1e-5)
        assert found.score == pytest.approx(sum(wanted) / ((5 + len(wanted)) / 6) ** 0.6, abs=1e-5)


@pytest.mark.parametrize(
    "settings", [Sampling(temperature=1e-4), Sampling(top_k=1), Sampling(top_p=1e-6), Sampling(top_p=0.0)]
)
def test_a_cold_or_narrow_draw_is_greedy(settings: Sampling) -> None:
    steps, limits = TableSteps(9, seed=6), [7, 2, 0, 5]
    assert draw(steps, [0, 1, 2, 3], limits, settings) == greedy(
        steps, steps.start(range(4)), limits, alpha=0.6, device=CPU
    )


def test_temperature_flattens_or_sharpens() -> None:
    drawn = probabilities(logs(0.64, 0.36), Sampling(temperature=2.0))
    assert drawn[0].tolist() == pytest.approx([8 / 14, 6 / 14])  # roots of the masses
    drawn = probabilities(logs(0.8, 0.2), Sampling(temperature=0.5))
    assert drawn[0].tolist() == pytest.approx([16 / 17, 1 / 17])  # their squares


def test_top_k_keeps_the_k_most_probable_in_their_ratio() -> None:
    drawn = probabilities(logs(0.1, 0.4, 0.2, 0.3), Sampling(top_k=2))
    assert drawn[0].tolist() == pytest.approx([0, 4 / 7, 0, 3 / 7])
    assert torch.allclose(probabilities(logs(0.3, 0.7), Sampling(top_k=9)), logs(0.3, 0.7).exp())


@pytest.mark.parametrize(
    ("mass", "kept"),
    [
        (0.39, [0, 1, 0, 0]),
        (0.41, [0, 4 / 7, 0, 3 / 7]),
        (0.69, [0, 4 / 7, 0, 3 / 7]),
        (0.71, [0, 4 / 9, 2 / 9, 3 / 9]),
        (1.0, [0.1, 0.4, 0.2, 0.3]),
    ],
)
def test_top_p_keeps_the_smallest_set_of_that_mass(mass: float, kept: list[float]) -> None:
    assert probabilities(logs(0.1, 0.4, 0.2, 0.3), Sampling(top_p=mass))[0].tolist() == pytest.approx(kept)


@given(
    temperature=st.floats(0.1, 5),
    top_k=st.integers(0, 12),
    top_p=st.floats(0, 1),
    banned=st.booleans(),
    seed=st.integers(0, 99),
)
def test_what_is_drawn_from_is_always_a_distribution(
    temperature: float, top_k: int, top_p: float, banned: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    scores = torch.randn(3, 10).mul(3).log_softmax(-1)
    if banned:
        scores[:, :3] = float("-inf")
    drawn = probabilities(scores, Sampling(temperature=temperature, top_k=top_k, top_p=top_p))
    assert torch.allclose(drawn.sum(-1), torch.ones(3), atol=1e-5)
    assert (drawn >= 0).all()
    assert (drawn.gather(1, scores.argmax(-1, keepdim=True)) > 0).all()
    if banned:
        assert (drawn[:, :3] == 0).all()
