"""Rollouts are drawn from the model's own distribution, as a pure function of the seed and their numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.data.batches import JOINED, SIDE_BY_SIDE, Layout
from seq2seq.data.tokenizer import BOS, EOS
from seq2seq.decoding.rollouts import DecoderOnlyRolloutSampler, Rollout, RolloutSampler, draw
from seq2seq.device import Numerics
from seq2seq.errors import DataError
from tests.support.fakes import tiny_gpt, tiny_transformer

CPU = Numerics(torch.device("cpu"), None)
GPT = tiny_gpt(max_length=40, positions="rotary").double()
TRANSFORMER = tiny_transformer(max_length=40).double()
BOTH: list[tuple[Any, RolloutSampler, Layout]] = [
    (GPT, DecoderOnlyRolloutSampler(GPT, CPU), JOINED),
    (TRANSFORMER, RolloutSampler(TRANSFORMER, CPU), SIDE_BY_SIDE),
]
PROMPTS = st.lists(st.lists(st.integers(4, 10), min_size=1, max_size=20), min_size=1, max_size=6)


def forward(model: Any, layout: Layout, prompt: Sequence[int], rollout: Rollout, temperature: float) -> list[float]:
    """The log-probabilities of what was drawn, by a pass over the prompt and all of it."""
    batch = layout.collate([prompt], [rollout.tokens])
    with torch.no_grad():
        scores = (model(*batch.inputs) / temperature).log_softmax(-1).gather(2, batch.labels[..., None]).flatten()
    counted = scores if batch.mask is None else scores[batch.mask.flatten()]
    return counted[: len(rollout.log_probabilities)].tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(("model", "sampler", "layout"), BOTH)
@settings(max_examples=20, deadline=None)
@given(prompts=PROMPTS, seed=st.integers(0, 1000), temperature=st.sampled_from([0.5, 1.0, 1.7]))
def test_cached_log_probabilities_are_those_of_a_forward_pass_whatever_the_other_prompts(
    model: Any, sampler: RolloutSampler, layout: Layout, prompts: list[list[int]], seed: int, temperature: float
) -> None:
    rollouts = sampler.sample(prompts, temperature=temperature, max_tokens=12, seed=seed)
    for prompt, rollout in zip(prompts, rollouts, strict=True):
        expected = forward(model, layout, prompt, rollout, temperature)
        assert rollout.log_probabilities == pytest.approx(expected, abs=1e-5)
        assert len(expected) == len(rollout.tokens) + rollout.ended and EOS not in rollout.tokens
        assert rollout.ended or len(rollout.tokens) == 12


@pytest.mark.parametrize(("model", "sampler", "layout"), BOTH)
@settings(max_examples=20, deadline=None)
@given(prompts=PROMPTS, seed=st.integers(0, 1000))
def test_a_rollout_depends_on_its_seed_and_number_alone(
    model: Any, sampler: RolloutSampler, layout: Layout, prompts: list[list[int]], seed: int
) -> None:
    together = sampler.sample(prompts, max_tokens=10, seed=seed)
    for number, prompt in enumerate(prompts):
        (alone,) = sampler.sample([prompt], max_tokens=10, seed=seed, numbers=[number])
        assert alone[:2] == together[number][:2]


@pytest.mark.parametrize(("model", "sampler", "layout"), BOTH)
def test_rollouts_come_as_often_as_they_are_probable(model: Any, sampler: RolloutSampler, layout: Layout) -> None:
    """Of the first two tokens; among them those that a search would never choose."""
    count = 4000
    drawn = sampler.sample([[5, 6, 7]] * count, max_tokens=2, seed=3)
    counted = Counter((rollout.tokens, rollout.ended) for rollout in drawn)
    mass = {rollout: math.exp(sum(rollout.log_probabilities)) for rollout in set(drawn)}
    for rollout, expected in mass.items():
        found = counted[rollout.tokens, rollout.ended]
        assert abs(found - count * expected) < 5 * math.sqrt(count * expected) + 1
    assert sum(mass.values()) > 0.97 and any(BOS in rollout.tokens for rollout in drawn)


def test_numbers_fall_on_tokens_as_wide_as_they_are_probable() -> None:
    logits = torch.tensor([[0.5, 0.0, 0.25, 0.25]]).log()
    for number, token in ((0.0, 0), (0.49, 0), (0.51, 2), (0.74, 2), (0.76, 3), (0.9999999, 3)):
        found, score = draw(logits, torch.tensor([number], dtype=torch.float64), 1.0)
        assert found.item() == token and score.item() == pytest.approx(logits[0, token].item())


def test_a_completion_stays_within_the_context_and_a_prompt_that_fills_it_is_an_error() -> None:
    sampler = DecoderOnlyRolloutSampler(tiny_gpt(max_length=12, end=-100.0), CPU)
    (first, second) = sampler.sample([[4] * 3, [4] * 8], max_tokens=20, seed=1)
    assert (len(first.tokens), len(second.tokens)) == (8, 3) and not first.ended
    with pytest.raises(DataError, match="a prompt of 11 tokens leaves no place"):
        sampler.sample([[4] * 11], max_tokens=20, seed=1)
