"""Each term of proximal policy optimisation, against the equation that defines it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seq2seq.training.ppo import (
    AdaptiveKl,
    FixedKl,
    Gae,
    Rloo,
    divergences,
    explained_variance,
    policy_losses,
    token_rewards,
    value_losses,
    whitened,
)


def drawn(seed: int, rows: int = 4, longest: int = 7) -> tuple[Tensor, Tensor, Tensor]:
    """Rewards, values and a mask of completions of 1 to 7 tokens; places without a token hold other numbers."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, longest + 1, (rows,), generator=generator)
    lengths[0] = longest
    mask = torch.arange(longest) < lengths[:, None]
    rewards, values = torch.randn(2, rows, longest, dtype=torch.float64, generator=generator)
    return rewards * mask, values, mask


@settings(deadline=None)
@given(
    seed=st.integers(0, 1000),
    discount=st.sampled_from([0.9, 1.0]),
    decay=st.sampled_from([0.0, 0.5, 0.95, 1.0]),
)
def test_advantages_are_the_discounted_sum_of_surprises(seed: int, discount: float, decay: float) -> None:
    rewards, values, mask = drawn(seed)
    found = Gae(discount, decay).estimate(rewards, values, mask)
    for row, length in enumerate(mask.sum(1).tolist()):
        for token in range(length):
            expected = 0.0
            for later in range(token, length):
                following = values[row, later + 1] if later + 1 < length else 0.0
                surprise = rewards[row, later] + discount * following - values[row, later]
                expected += (discount * decay) ** (later - token) * float(surprise)
            assert found[row, token].item() == pytest.approx(expected)
    assert not found[~mask].any()


def test_without_discount_and_decay_they_are_the_rest_of_the_rewards_less_the_value() -> None:
    rewards, values, mask = drawn(5)
    rest = rewards.flip(1).cumsum(1).flip(1)
    assert torch.allclose(Gae(1.0, 1.0).estimate(rewards, values, mask), (rest - values) * mask)
    _, returns = Gae(1.0, 1.0)(rewards, values, mask)
    assert torch.allclose(returns, rest * mask)


def test_whitened_values_have_mean_0_and_variance_1_within_the_mask_alone() -> None:
    _, values, mask = drawn(2)
    white = whitened(values, mask)
    assert white[mask].mean().item() == pytest.approx(0, abs=1e-9)
    assert white[mask].var().item() == pytest.approx(1, abs=1e-6)
    assert torch.equal(white, whitened(values.masked_fill(~mask, 1e6), mask)) and not white[~mask].any()
    assert whitened(values[:1, :1], mask[:1, :1]).item() == 0


def test_a_score_is_at_the_last_token_and_the_divergence_from_the_start_at_each() -> None:
    mask = torch.tensor([[True, True, True], [True, False, False]])
    ratios = torch.tensor([[0.5, -1.0, 2.0], [1.0, 9.0, 9.0]])
    rewards = token_rewards(torch.tensor([3.0, 4.0]), ratios, mask, 0.1)
    assert torch.allclose(rewards, torch.tensor([[-0.05, 0.1, 2.8], [3.9, 0.0, 0.0]]))
    k1, k3 = divergences(ratios, mask)
    assert torch.allclose(k1, torch.tensor([1.5, 1.0])) and bool((k3 >= 0).all())
    assert not any(part.any() for part in divergences(torch.zeros(2, 3), mask))


def test_both_estimates_are_the_divergence_in_expectation() -> None:
    policy, start = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.3, 0.3, 0.4])
    exact = (policy * (policy / start).log()).sum()
    ratios = (policy / start).log()[:, None]
    for estimate in divergences(ratios, torch.ones(3, 1, dtype=torch.bool)):
        assert (policy * estimate).sum().item() == pytest.approx(exact.item(), abs=1e-6)


def test_leave_one_out_compares_the_completions_of_a_prompt() -> None:
    rewards, _, mask = drawn(3, rows=6)
    totals = (rewards * mask).sum(1)
    advantages, _ = Rloo(3)(rewards, torch.zeros_like(rewards), mask)
    assert torch.allclose(advantages[4][mask[4]], totals[4] - (totals[3] + totals[5]) / 2)
    assert not advantages[~mask].any()


def test_equal_rewards_give_leave_one_out_no_gradient() -> None:
    _, _, mask = drawn(3)
    rewards = token_rewards(torch.full((4,), 2.5), torch.zeros(mask.shape), mask, 0.1)
    advantages, _ = Rloo(2)(rewards, torch.zeros_like(rewards), mask)
    assert not advantages.any()


def test_at_ratio_1_the_gradient_is_the_policy_gradient() -> None:
    log_probabilities = torch.tensor([-1.0, -2.0, -0.5], requires_grad=True)
    advantages = torch.tensor([1.0, -3.0, 0.5])
    ratios = (log_probabilities - log_probabilities.detach()).exp()
    policy_losses(ratios, advantages, 0.2).sum().backward()  # type: ignore[no-untyped-call]
    assert log_probabilities.grad is not None and torch.allclose(log_probabilities.grad, -advantages)


@pytest.mark.parametrize(
    ("ratio", "advantage", "moves"), [(1.3, 1.0, False), (1.3, -1.0, True), (0.7, 1.0, True), (0.7, -1.0, False)]
)
def test_a_change_beyond_the_clip_gains_nothing_and_can_be_taken_back(
    ratio: float, advantage: float, moves: bool
) -> None:
    ratios = torch.tensor([ratio], requires_grad=True)
    policy_losses(ratios, torch.tensor([advantage]), 0.2).sum().backward()  # type: ignore[no-untyped-call]
    assert ratios.grad is not None and bool(ratios.grad.any()) == moves


def test_a_value_beyond_the_clip_has_the_larger_of_two_errors() -> None:
    values, old, returns = torch.tensor([1.0, 1.0, 0.1]), torch.zeros(3), torch.tensor([2.0, 0.0, 1.0])
    assert value_losses(values, old, returns, 0.2).tolist() == pytest.approx([1.62, 0.5, 0.405])


def test_explained_variance() -> None:
    returns, _, mask = drawn(1)
    assert explained_variance(returns, returns, mask) == pytest.approx(1, abs=1e-6)
    assert explained_variance(torch.full_like(returns, 3.0), returns, mask) == pytest.approx(0, abs=1e-6)


def test_a_coefficient_adapts_to_its_target_slowly() -> None:
    kl = AdaptiveKl(0.1, target=6.0, horizon=1000)
    kl.update(60.0, 100)
    assert kl.coefficient == pytest.approx(0.102)
    kl.update(0.0, 100)
    assert kl.coefficient == pytest.approx(0.102 * 0.98)
    fixed = FixedKl(0.1)
    fixed.update(60.0, 100)
    assert fixed.coefficient == 0.1
