"""Tokens drawn at random.

Shapes: N rows, V vocabulary. A filter takes the scores (N, V) of the next token, of which the softmax is the
distribution, and sets those that may not be drawn to minus infinity; the most probable token always stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from seq2seq.data.tokenizer import EOS
from seq2seq.decoding.options import SampleNumber, Sampling

# Random numbers that a row draws in one call, which costs as much as some hundreds of them.
_DRAWN = 4096


class Sampler:
    """Draws the next token of each row. The random numbers of row i follow from (seed, i) alone, so that its draws do
    not depend on the other rows. Between two calls rows may be removed, but none added.

    `read` (N, P) are tokens that the repetition penalty counts from the start; `rows` are the numbers to seed with, in
    place of i, where the rows are part of a larger text; `drawn_at_once` random numbers are drawn per call and row.
    """

    def __init__(
        self,
        settings: Sampling,
        *,
        device: torch.device,
        read: Tensor | None = None,
        rows: Sequence[SampleNumber] | None = None,
        drawn_at_once: int = _DRAWN,
    ) -> None:
        self._settings = settings
        self._device = device
        self._read = read
        self._rows = rows
        self._drawn_at_once = drawn_at_once
        self._generators: dict[int, torch.Generator] = {}
        self._noise: Iterator[Tensor] = iter(())  # of the coming steps, (N, V) each, of the rows `_drawn`
        self._drawn: list[int] = []
        self._seen: Tensor | None = None  # (N, V)

    def __call__(self, logits: Tensor, rows: Sequence[int]) -> Tensor:
        """Logits (N, V) of the rows of these numbers -> their tokens (N,)."""
        settings = self._settings
        if settings.repetition_penalty != 1:
            logits = penalise(logits, self._earlier(logits, rows), settings.repetition_penalty)
        if settings.greedy:
            chosen = logits.argmax(-1)
        else:
            # Of independent exponentials at rates p, that of token v is the smallest with probability p[v].
            chosen = (probabilities(logits, settings) / self._exponentials(rows, logits.size(1))).argmax(-1)
        if self._seen is not None:
            self._seen[torch.tensor(rows, device=self._device), chosen] = True
        return chosen

    def _earlier(self, logits: Tensor, rows: Sequence[int]) -> Tensor:
        if self._seen is None:
            self._seen = torch.zeros(logits.shape, dtype=torch.bool, device=self._device)
            if self._read is not None:
                self._seen.scatter_(1, self._read, True)
                self._seen[:, : EOS + 1] = False  # EOS is no repetition
        return self._seen[torch.tensor(rows, device=self._device)]

    def _exponentials(self, rows: Sequence[int], count: int) -> Tensor:
        """The next random numbers of the rows, (N, count); those of several steps are drawn at once."""
        noise = next(self._noise, None)
        if noise is None:
            steps = max(1, self._drawn_at_once // count)
            drawn = [
                torch.empty(steps, count, device=self._device).exponential_(generator=self._generator(row))
                for row in rows
            ]
            self._noise, self._drawn = iter(torch.stack(drawn, dim=1)), list(rows)
            noise = next(self._noise)
        if len(rows) == len(self._drawn):
            return noise
        places = [self._drawn.index(row) for row in rows]
        return noise.index_select(0, torch.tensor(places, device=self._device))

    def _generator(self, row: int) -> torch.Generator:
        if row not in self._generators:
            number = (row,) if self._rows is None else self._rows[row]
            (mixed,) = np.random.SeedSequence((self._settings.seed, *number)).generate_state(1, np.uint64).tolist()
            self._generators[row] = torch.Generator(device=self._device).manual_seed(mixed)
        return self._generators[row]


def probabilities(scores: Tensor, settings: Sampling) -> Tensor:
    """Logits or log-probabilities (N, V) -> the distributions to draw from, (N, V). The temperature is not 0."""
    scores = (scores - scores.amax(-1, keepdim=True)) / settings.temperature
    if settings.top_k:
        scores = keep_top_k(scores, settings.top_k)
    if settings.top_p < 1:
        scores = keep_top_p(scores, settings.top_p)
    if settings.min_p > 0:
        scores = keep_min_p(scores, settings.min_p)
    return scores.softmax(-1)


def penalise(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Logits (N, V) with those of the tokens `seen` (N, V) divided by the penalty where positive, multiplied where
    negative, so that either falls (CTRL, Keskar et al., 2019, section 4.1)."""
    return torch.where(seen, torch.where(logits > 0, logits / penalty, logits * penalty), logits)


def keep_top_k(scores: Tensor, k: int) -> Tensor:
    """Scores (N, V) -> the k best of each row stay, and those equal to the last of them (Fan et al., 2018)."""
    least = scores.topk(min(k, scores.size(-1)), dim=-1).values[:, -1:]
    return scores.masked_fill(scores < least, float("-inf"))


def keep_top_p(scores: Tensor, mass: float) -> Tensor:
    """Scores (N, V) -> the smallest set of the most probable tokens whose probability reaches `mass` stays (nucleus
    sampling, Holtzman et al., 2020)."""
    ranked, order = scores.softmax(-1).sort(dim=-1, descending=True, stable=True)
    before = ranked.cumsum(-1) - ranked  # mass of more probable tokens
    dropped = (before >= mass) & (before > 0)
    return scores.masked_fill(torch.zeros_like(dropped).scatter_(-1, order, dropped), float("-inf"))


def keep_min_p(scores: Tensor, share: float) -> Tensor:
    """Scores (N, V) -> tokens at least `share` times as probable as the row's most probable one stay (min-p sampling,
    Nguyen et al., 2024)."""
    drawn = scores.softmax(-1)
    return scores.masked_fill(drawn < share * drawn.amax(-1, keepdim=True), float("-inf"))
