"""Sampling draws from the distribution it says, as a pure function of its seed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seq2seq.data.tokenizers import BOS, EOS, PAD, UNKNOWN
from seq2seq.decoding.hypothesis import Hypothesis
from seq2seq.decoding.options import Sampling
from seq2seq.decoding.sampling import Sampler, keep_min_p, keep_top_k, keep_top_p, penalise, probabilities
from seq2seq.decoding.search import most_probable, roll_out
from tests.support.fakes import TableSteps

CPU = torch.device("cpu")


def draw(steps: TableSteps, sentences: list[int], limits: list[int], settings: Sampling) -> list[Hypothesis]:
    return roll_out(steps, steps.start(sentences), limits, Sampler(settings, device=CPU), alpha=0.6, device=CPU)


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
        expected = [steps.log_probabilities(0, spelt[:t])[token] for t, token in enumerate(spelt)]
        assert found.token_scores == pytest.approx(expected, abs=1e-5)
        assert found.score == pytest.approx(sum(expected) / ((5 + len(expected)) / 6) ** 0.6, abs=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        Sampling(temperature=0),
        Sampling(temperature=1e-30),
        Sampling(temperature=1e-4),
        Sampling(top_k=1),
        Sampling(top_p=1e-6),
        Sampling(top_p=0.0),
        Sampling(min_p=1.0),
    ],
)
def test_a_cold_or_narrow_draw_is_greedy(settings: Sampling) -> None:
    steps, limits = TableSteps(9, seed=6), [7, 2, 0, 5]
    assert draw(steps, [0, 1, 2, 3], limits, settings) == roll_out(
        steps, steps.start(range(4)), limits, most_probable, alpha=0.6, device=CPU
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


LOGITS = st.lists(st.floats(-9, 9, width=32), min_size=5, max_size=9)


def masses(scores: Sequence[float]) -> list[float]:
    """Their softmax."""
    powers = [math.exp(score - max(scores)) for score in scores]
    return [power / sum(powers) for power in powers]


def slow_top_k(scores: Sequence[float], k: int) -> list[float]:
    least = sorted(scores, reverse=True)[:k][-1]
    return [score if score >= least else -math.inf for score in scores]


def slow_top_p(scores: Sequence[float], mass: float) -> list[float]:
    probability = masses(scores)
    kept: list[int] = []
    so_far = 0.0
    for token in sorted(range(len(scores)), key=lambda token: -probability[token]):
        if kept and so_far >= mass:
            break
        kept.append(token)
        so_far += probability[token]
    return [score if token in kept else -math.inf for token, score in enumerate(scores)]


def slow_min_p(scores: Sequence[float], share: float) -> list[float]:
    probability = masses(scores)
    return [score if p >= share * max(probability) else -math.inf for score, p in zip(scores, probability)]


def slow_penalty(scores: Sequence[float], seen: set[int], penalty: float) -> list[float]:
    changed = list(scores)
    for token in seen:
        changed[token] = scores[token] / penalty if scores[token] > 0 else scores[token] * penalty
    return changed


@given(logits=LOGITS, k=st.integers(1, 12))
def test_top_k_is_that_of_the_plain_loop(logits: list[float], k: int) -> None:
    assert keep_top_k(torch.tensor([logits, logits[::-1]]), k).tolist() == [
        pytest.approx(slow_top_k(row, k)) for row in (logits, logits[::-1])
    ]


@given(logits=LOGITS, mass=st.floats(0, 1), share=st.floats(0, 1))
def test_top_p_and_min_p_are_those_of_the_plain_loops(logits: list[float], mass: float, share: float) -> None:
    """Where a token is kept or not by a rounding error, either is right."""
    probability = sorted(masses(logits), reverse=True)
    sums = [sum(probability[:count]) for count in range(len(probability) + 1)]
    rows = torch.tensor([logits, logits[::-1]])
    if all(abs(each - mass) > 1e-6 for each in sums) and len(set(logits)) == len(logits):
        expected = [pytest.approx(slow_top_p(row, mass)) for row in (logits, logits[::-1])]
        assert keep_top_p(rows, mass).tolist() == expected
    if all(abs(each - share * probability[0]) > 1e-6 for each in probability):
        expected = [pytest.approx(slow_min_p(row, share)) for row in (logits, logits[::-1])]
        assert keep_min_p(rows, share).tolist() == expected


@given(logits=LOGITS, seen=st.sets(st.integers(0, 4)), penalty=st.floats(0.1, 10))
def test_the_repetition_penalty_is_that_of_the_plain_loop(logits: list[float], seen: set[int], penalty: float) -> None:
    before = torch.tensor([[token in seen for token in range(len(logits))]])
    changed = penalise(torch.tensor([logits]), before, penalty)[0].tolist()
    assert changed == pytest.approx(slow_penalty(logits, seen, penalty), rel=1e-5)
    if penalty > 1:
        assert all(changed[token] <= logits[token] for token in seen)


@given(
    seed=st.integers(0, 99),
    temperature=st.floats(0.2, 3),
    top_k=st.integers(0, 12),
    top_p=st.floats(0.05, 1),
    min_p=st.floats(0, 0.9),
)
def test_filters_come_one_after_another(seed: int, temperature: float, top_k: int, top_p: float, min_p: float) -> None:
    torch.manual_seed(seed)
    logits = torch.randn(10).mul(2)
    scores = [score / temperature for score in logits.double().tolist()]
    scores = slow_min_p(slow_top_p(slow_top_k(scores, top_k or 10), top_p), min_p)
    found = probabilities(logits[None], Sampling(temperature, top_k, top_p, min_p=min_p))
    assert found[0].tolist() == pytest.approx(masses(scores), abs=1e-5)


def test_a_row_draws_the_same_whatever_rows_are_beside_it() -> None:
    steps, settings = TableSteps(20, seed=1, end=-1.0), Sampling(seed=3)
    limits = [9, 2, 6, 9, 4]
    together = draw(steps, [0] * 5, limits, settings)
    assert len({found.tokens for found in together}) == 5  # one sentence, other numbers
    for row, limit in enumerate(limits):
        sampler = Sampler(settings, device=CPU, rows=[(row,)])
        alone = roll_out(steps, steps.start([0]), [limit], sampler, alpha=0.6, device=CPU)
        assert alone == [together[row]]


def test_what_was_read_and_what_was_drawn_are_penalised() -> None:
    """Greedy steps over fixed logits against the plain loop; the rows have read other tokens, and one leaves early."""
    torch.manual_seed(2)
    logits = torch.randn(2, 12).mul(3)
    settings = Sampling(temperature=0, repetition_penalty=1.7)
    sampler = Sampler(settings, device=CPU, read=torch.tensor([[5, 5], [EOS, 9]]))
    seen = [{5}, {9}]  # EOS is no repetition
    for rows in ([0, 1], [0, 1], [1], [1]):
        drawn = sampler(logits[rows], rows).tolist()
        for row, token in zip(rows, drawn, strict=True):
            scores = slow_penalty(logits[row].tolist(), seen[row], 1.7)
            assert token == max(range(12), key=scores.__getitem__)
            seen[row].add(token)
    assert len(seen[1]) > 2


def test_a_row_draws_the_same_whichever_rows_leave() -> None:
    """Numbers are drawn for some steps at once: rows leave amid these and after them."""
    logits = torch.zeros(4, 10)
    stay, leave = (Sampler(Sampling(seed=5), device=CPU, drawn_at_once=30) for _ in range(2))  # of three steps
    for rows in ([0, 1, 2, 3], [0, 2, 3], [0, 2, 3], [0, 2], [0, 2], [2], [2], [2]):
        whole = stay(logits, [0, 1, 2, 3])
        assert leave(logits[rows], rows).tolist() == whole[rows].tolist()
