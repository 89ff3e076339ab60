"""Rollouts: completions of many prompts, drawn from the unmodified distribution of a model, keys and values cached.

Shapes: N rows, T tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from seq2seq.data.batches import pad_sources
from seq2seq.data.tokenizer import BOS, EOS, PAD
from seq2seq.decoding.hypothesis import NOT_FINITE, Tokens
from seq2seq.device import Numerics
from seq2seq.errors import DataError, RunError
from seq2seq.model.state import State

_SPREAD = 8  # tokens by which the prompts of a group may differ in length
_HELD = 0.75  # rows that have ended leave the batch once no more than this share continues


class Rollout(NamedTuple):
    """One completion."""

    tokens: tuple[int, ...]  # without EOS
    ended: bool  # with EOS; else cut at its limit
    log_probabilities: tuple[float, ...]  # at the temperature of each token, and of EOS where it ended


class RolloutSampler:
    """Draws completions with an encoder-decoder; prompts are its sources.

    Any token may be drawn, at its probability at the temperature: neither a filter nor a forced end, so that
    log-probabilities of a forward pass over what was drawn are those it was drawn with. The random numbers of a
    rollout follow from the seed and its number alone.
    """

    def __init__(self, model: Any, numerics: Numerics) -> None:
        self._model = model
        self._numerics = numerics

    @torch.no_grad()
    def sample(
        self,
        prompts: Sequence[Tokens],
        *,
        max_tokens: int,
        seed: int,
        temperature: float = 1.0,
        numbers: Sequence[int] | None = None,
    ) -> list[Rollout]:
        """One completion per prompt, of at most `max_tokens` tokens, EOS counted; `numbers` are those of the rollouts,
        by default their places. Raises DataError for a prompt that leaves no place for a completion, and RunError where
        the model gives no finite probability. Turns dropout off."""
        self._model.eval()
        named = range(len(prompts)) if numbers is None else numbers
        rollouts: dict[int, Rollout] = {}
        with self._numerics.context():  # around all steps, so that weights are cast once
            for places in self._groups(prompts):
                group = [prompts[place] for place in places]
                limits = [min(max_tokens, self._places_left(prompt)) for prompt in group]
                state, given = self._start(group)
                uniform = np.stack([np.random.default_rng((seed, named[place])).random(max_tokens) for place in places])
                drawn = _drawn(self._model, state, given, limits, uniform, temperature, self._numerics.device)
                rollouts.update(zip(places, drawn, strict=True))
        return [rollouts[place] for place in range(len(prompts))]

    def _groups(self, prompts: Sequence[Tokens]) -> list[list[int]]:
        """The places of the prompts that are completed together."""
        return [list(range(len(prompts)))] if prompts else []

    def _places_left(self, prompt: Tokens) -> int:
        """The most tokens that a completion may have."""
        return 2**31

    def _start(self, prompts: Sequence[Tokens]) -> tuple[State, list[Tokens]]:
        """The state that has read the sources, and the tokens that each row reads before its first is drawn."""
        device = self._numerics.device
        tokens, mask, _ = pad_sources(prompts)
        state = self._model.start(tokens.to(device), None if mask is None else mask.to(device))
        return state, [[BOS]] * len(prompts)


class DecoderOnlyRolloutSampler(RolloutSampler):
    """Draws completions with a decoder-only model, which reads `prompt BOS completion EOS`.

    No row is padded: all read the first tokens of their prompts together, as many as the shortest has, then one token
    at a time, of which those of the longer prompts are given and not drawn.
    """

    def _groups(self, prompts: Sequence[Tokens]) -> list[list[int]]:
        groups: list[list[int]] = []
        for place in sorted(range(len(prompts)), key=lambda place: len(prompts[place])):
            if groups and len(prompts[place]) - len(prompts[groups[-1][0]]) <= _SPREAD:
                groups[-1].append(place)
            else:
                groups.append([place])
        return groups

    def _places_left(self, prompt: Tokens) -> int:
        left: int = self._model.context - len(prompt) - 1
        if left < 1:
            raise DataError(
                f"a prompt of {len(prompt)} tokens leaves no place for a completion in a context of "
                f"{self._model.context}; leave it out"
            )
        return left

    def _start(self, prompts: Sequence[Tokens]) -> tuple[State, list[Tokens]]:
        shortest = len(prompts[0])
        begun = [list(map(int, prompt[:shortest])) for prompt in prompts]
        state = self._model.start(torch.tensor(begun, dtype=torch.long, device=self._numerics.device))
        return state, [[*map(int, prompt[shortest:]), BOS] for prompt in prompts]


def draw(logits: Tensor, uniform: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Logits (N, V) and random numbers (N,) in [0, 1) -> tokens (N,) and their log-probabilities (N,): of the tokens
    side by side, each as wide as it is probable, the one on which the number falls."""
    log_probabilities = (logits / temperature).log_softmax(-1)
    # Sums of thousands of float32 numbers would shift the borders; MPS has no wider ones.
    cumulative = log_probabilities.exp().to(uniform.dtype).cumsum(-1)
    place = uniform[:, None] * cumulative[:, -1:]
    tokens = torch.searchsorted(cumulative, place, right=True).clamp(max=logits.size(1) - 1)
    return tokens.squeeze(1), log_probabilities.gather(1, tokens).squeeze(1)


def _drawn(
    model: Any,
    state: State,
    given: Sequence[Tokens],
    limits: Sequence[int],
    uniform: np.ndarray[Any, Any],
    temperature: float,
    device: torch.device,
) -> Iterator[Rollout]:
    """Draw for each row up to its limit, once it has read its given tokens, at least one."""
    lengths = [len(tokens) for tokens in given]
    reads = torch.tensor(lengths, device=device)
    forced = torch.full((len(given), max(lengths)), PAD, device=device)
    for row, its_tokens in enumerate(given):
        forced[row, : len(its_tokens)] = torch.tensor(its_tokens, device=device)
    numbers = torch.tensor(uniform, dtype=torch.float32 if device.type == "mps" else torch.float64, device=device)
    last_places = torch.tensor(limits, device=device) - 1
    drawn = torch.full(numbers.shape, PAD, device=device)
    scores = torch.zeros(numbers.shape, device=device)
    active = torch.arange(len(given), device=device)  # the rows of the batch, some of which may have ended
    going = torch.ones(len(given), dtype=torch.bool, device=device)  # of `active`
    last = forced[:, :1]
    end = forced.size(1) - 1
    for read in count(1):
        logits = model.step(last, state)[:, -1].float()
        place = read - reads[active]  # of the token that is drawn; negative in a row that reads its given tokens
        at = place.clamp(min=0).minimum(last_places[active])
        tokens, log_probabilities = draw(logits, numbers[active, at], temperature)
        counts = going & (place >= 0)
        rows, places = active[counts], at[counts]
        drawn[rows, places], scores[rows, places] = tokens[counts], log_probabilities[counts].float()
        going = going & ~(counts & ((tokens == EOS) | (place == last_places[active])))
        continuing = int(going.sum())
        if not continuing:
            break
        tokens = torch.where(place < 0, forced[:, min(read, end)][active], tokens)
        if continuing <= _HELD * len(going):
            kept = going.nonzero().squeeze(1)
            state.reorder(kept, kept)
            active, going, tokens = active[kept], going[kept], tokens[kept]
        last = tokens[:, None]
    if not bool(scores.isfinite().all()):
        raise RunError(NOT_FINITE)
    for limit, row, its_scores in zip(limits, drawn.tolist(), scores.tolist(), strict=True):
        length = row.index(EOS) if EOS in row[:limit] else limit
        ended = length < limit
        yield Rollout(tuple(row[:length]), ended, tuple(its_scores[: length + ended]))
