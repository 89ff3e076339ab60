"""Completions of prompts by a policy, with all that is measured of them: their log-probabilities under the policy and
under its start, their rewards, and how a simulated rater that training never sees judges them.

Shapes: N completions, L tokens, EOS counted where a completion ended with it; B rows, T labels of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from seq2seq.data.batches import Batch, Layout
from seq2seq.data.prompts import Prompt, text_of
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.rollouts import Rollout
from seq2seq.device import Numerics
from seq2seq.evaluation.raters import Rater
from seq2seq.tasks.models import Architecture
from seq2seq.training.log_probabilities import by_length, token_log_probabilities
from seq2seq.training.ppo import divergences

_ROWS = 64  # of a forward pass without gradients
_GREEDY = 1e-4  # the temperature of the most probable token at each step


class EncodedPrompt(NamedTuple):
    """A prompt and its tokens."""

    prompt: Prompt
    tokens: list[int]


class RewardFunction(Protocol):
    """What completions are scored by."""

    def __call__(self, prompts: Sequence[EncodedPrompt], rollouts: Sequence[Rollout]) -> list[float]:
        """The score of each completion."""


@dataclass(frozen=True)
class MeasuredCompletions:
    """Some completions, measured."""

    prompts: Sequence[EncodedPrompt]
    rollouts: Sequence[Rollout]
    scores: Tensor  # (N,), of the reward
    gold: Tensor | None  # (N,); None without a rater, or without references
    log_probabilities: Tensor  # (N, L), of the policy
    log_ratios: Tensor  # (N, L), to the start
    mask: Tensor  # (N, L)

    def figures(self) -> dict[str, float]:
        """Means: `reward`, `gold` where it is known, `kl` (k1) and `kl_k3` from the start in nats per completion,
        `entropy` in nats per token (of what was drawn, hence an estimate), `length` in tokens, and the share `ended`.
        """
        k1, k3 = divergences(self.log_ratios, self.mask)
        gold = {} if self.gold is None else {"gold": self.gold.mean().item()}
        return {
            "reward": self.scores.mean().item(),
            **gold,
            "kl": k1.mean().item(),
            "kl_k3": k3.mean().item(),
            "entropy": -(self.log_probabilities.sum() / self.mask.sum()).item(),
            "length": self.mask.sum(1).float().mean().item(),
            "ended": sum(rollout.ended for rollout in self.rollouts) / len(self.rollouts),
        }


@dataclass(frozen=True)
class Completer:
    """Draws completions from a policy, and measures them."""

    architecture: Architecture
    tokenizers: Tokenizers
    numerics: Numerics
    start: Any  # the model that the policy began as, in evaluation mode
    reward: RewardFunction
    rater: Rater | None
    temperature: float
    max_tokens: int

    def complete(self, policy: Any, prompts: Sequence[EncodedPrompt], seed: int, first: int = 0) -> MeasuredCompletions:
        """One completion of each prompt, which follows from weights, seed and number; the numbers count from `first`.
        Turns dropout off."""
        rollouts = self._draw(policy, prompts, seed, first)
        aligned = [self._log_probabilities(model, prompts, rollouts) for model in (policy, self.start)]
        (log_probabilities, mask), (reference, _) = aligned
        return MeasuredCompletions(
            prompts,
            rollouts,
            torch.tensor(self.reward(prompts, rollouts)),
            self.gold(prompts, rollouts),
            log_probabilities,
            log_probabilities - reference,
            mask,
        )

    def greedy(self, policy: Any, prompts: Sequence[EncodedPrompt]) -> dict[str, float]:
        """The mean `reward` of the most probable completions, and their `gold` where it is known."""
        rollouts = self._draw(policy, prompts, 0, 0, _GREEDY)
        gold = self.gold(prompts, rollouts)
        reward = torch.tensor(self.reward(prompts, rollouts)).mean().item()
        return {"reward": reward} | ({} if gold is None else {"gold": gold.mean().item()})

    def candidates(self, prompts: Sequence[EncodedPrompt], count: int, seed: int) -> tuple[Tensor, Tensor | None]:
        """`count` completions of each prompt by the start: their rewards and their gold, (prompts, count) each."""
        repeated = [prompt for prompt in prompts for _ in range(count)]
        scores, golds = [], []
        for begin in range(0, len(repeated), 2 * _ROWS):
            some = repeated[begin : begin + 2 * _ROWS]
            rollouts = self._draw(self.start, some, seed, begin)
            scores += self.reward(some, rollouts)
            gold = self.gold(some, rollouts)
            golds += [] if gold is None else gold.tolist()
        shape = (len(prompts), count)
        return torch.tensor(scores).view(shape), torch.tensor(golds).view(shape) if golds else None

    def gold(self, prompts: Sequence[EncodedPrompt], rollouts: Sequence[Rollout]) -> Tensor | None:
        """How the rater judges completions, (N,); None without one, or where a prompt has no reference."""
        if self.rater is None or not all(prompt.reference for prompt, _ in prompts):
            return None
        return torch.tensor(rated(self.rater, self.tokenizers, prompts, rollouts))

    def texts(self, rollouts: Sequence[Rollout]) -> list[str]:
        """The text of completions."""
        return self.tokenizers.target.decode([rollout.tokens for rollout in rollouts])

    def aligned(
        self, measure: Callable[[Batch], Tensor], prompts: Sequence[EncodedPrompt], rollouts: Sequence[Rollout]
    ) -> tuple[Tensor, Tensor]:
        """A number for each label (B, T) of completions -> (N, L), and the mask (N, L)."""
        rows: list[Tensor] = []
        with torch.no_grad():
            for begin in range(0, len(prompts), _ROWS):
                some = slice(begin, begin + _ROWS)
                batch = batch_of(self.architecture.layout, [each.tokens for each in prompts[some]], rollouts[some])
                assert batch.mask is not None
                values = by_length(measure, batch.to(self.numerics.device)).float().cpu()
                rows += torch.split(values[batch.mask], batch.mask.sum(1).tolist())
        lengths = torch.tensor([len(row) for row in rows])
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), mask

    def _draw(
        self, policy: Any, prompts: Sequence[EncodedPrompt], seed: int, first: int, temperature: float | None = None
    ) -> list[Rollout]:
        return self.architecture.sampler(policy, self.numerics).sample(
            [prompt.tokens for prompt in prompts],
            max_tokens=self.max_tokens,
            seed=seed,
            temperature=temperature or self.temperature,
            numbers=range(first, first + len(prompts)),
        )

    def _log_probabilities(
        self, model: Any, prompts: Sequence[EncodedPrompt], rollouts: Sequence[Rollout]
    ) -> tuple[Tensor, Tensor]:
        def measure(batch: Batch) -> Tensor:
            return token_log_probabilities(model, batch, self.numerics, self.temperature)

        return self.aligned(measure, prompts, rollouts)


class RewardModel:
    """Scores by a reward model: the value at the last label, which has read all of prompt and completion. A completion
    that was cut is read as if it had ended."""

    def __init__(self, scored: Any, layout: Layout, numerics: Numerics) -> None:
        self._scored = scored.eval()
        self._layout = layout
        self._numerics = numerics

    @torch.no_grad()
    def __call__(self, prompts: Sequence[EncodedPrompt], rollouts: Sequence[Rollout]) -> list[float]:
        """As `RewardFunction`."""
        scores: list[float] = []
        for begin in range(0, len(prompts), _ROWS):
            some = slice(begin, begin + _ROWS)
            ended = [rollout._replace(ended=True) for rollout in rollouts[some]]
            batch = batch_of(self._layout, [each.tokens for each in prompts[some]], ended)
            batch = batch.to(self._numerics.device)
            with self._numerics.context():
                scores += self._scored.rewards(batch.inputs, batch.labels, batch.mask).cpu().tolist()
        return scores


class ConstantReward:
    """The same for every completion: what a policy learns from it is unrelated to rewards (Choshen et al., 2020)."""

    def __call__(self, prompts: Sequence[EncodedPrompt], rollouts: Sequence[Rollout]) -> list[float]:
        """As `RewardFunction`."""
        return [1.0] * len(rollouts)


class RaterReward:
    """Scores by the simulated rater itself, for control runs."""

    def __init__(self, rater: Rater, tokenizers: Tokenizers) -> None:
        self._rater = rater
        self._tokenizers = tokenizers

    def __call__(self, prompts: Sequence[EncodedPrompt], rollouts: Sequence[Rollout]) -> list[float]:
        """As `RewardFunction`."""
        return rated(self._rater, self._tokenizers, prompts, rollouts)


def rated(
    rater: Rater, tokenizers: Tokenizers, prompts: Sequence[EncodedPrompt], rollouts: Sequence[Rollout]
) -> list[float]:
    """How a rater judges completions."""
    texts = tokenizers.target.decode([rollout.tokens for rollout in rollouts])
    return [rater(text_of(prompt), prompt.reference, text) for (prompt, _), text in zip(prompts, texts)]


def batch_of(layout: Layout, prompts: Sequence[Sequence[int]], rollouts: Sequence[Rollout]) -> Batch:
    """Prompts and completions as a batch with a mask; the end of a completion counts where it was drawn."""
    batch = layout.collate(prompts, [rollout.tokens for rollout in rollouts])
    mask = torch.ones_like(batch.labels, dtype=torch.bool) if batch.mask is None else batch.mask.clone()
    if not all(rollout.ended for rollout in rollouts):
        places = torch.arange(mask.size(1)).expand_as(mask)
        ends = places == places.masked_fill(~mask, -1).amax(1, keepdim=True)
        mask &= ~(ends & ~torch.tensor([rollout.ended for rollout in rollouts])[:, None])
    return replace(batch, mask=mask, tokens=int(mask.sum()))


def placed(batch: Batch, values: Tensor, mask: Tensor) -> Tensor:
    """Numbers (B, L) of the tokens of completions, under a mask -> at the labels of their batch (B, T), elsewhere 0."""
    assert batch.mask is not None
    spread = torch.zeros(batch.mask.shape, dtype=values.dtype)
    spread[batch.mask] = values[mask]
    return spread
