"""Greedy and beam search. They see a model only through `Steps`, so that they serve any model that can take a step.

Shapes: B sentences, K beams, N = B x K hypotheses (rows, those of a sentence adjacent), V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from seq2seq.data.tokenizers import BOS, EOS, PAD, UNKNOWN
from seq2seq.model.state import State

_BANNED = [PAD, UNKNOWN, BOS]  # never part of a translation


class Steps(Protocol):
    """What search knows of a model."""

    def step(self, tokens: Tensor, state: State) -> Tensor:
        """The next tokens (N, 1) of each hypothesis -> logits (N, 1, V); `state` takes them in."""


@dataclass(frozen=True)
class Hypothesis:
    """One finished output."""

    tokens: tuple[int, ...]  # without BOS and EOS
    token_scores: tuple[float, ...]  # natural-log probability of each token, then of EOS
    score: float  # their sum over the length penalty: what search ranks by

    @property
    def log_probability(self) -> float:
        """Natural-log probability of the whole output, its end included."""
        return sum(self.token_scores)


def penalty(length: int, alpha: float) -> float:
    """GNMT's length penalty ((5 + length) / 6) ** alpha (Wu et al., 2016, equation 14); the length counts EOS."""
    return float(((5 + length) / 6) ** alpha)


@torch.inference_mode()
def roll_out(
    steps: Steps,
    state: State,
    limits: Sequence[int],
    choose: Callable[[Tensor], Tensor],
    *,
    alpha: float,
    device: torch.device,
) -> list[Hypothesis]:
    """Extend one hypothesis a row, token by token, with what `choose` picks from its log-probabilities (N, V) -> (N,).

    Each row has a memory of its own. `limits` holds the most tokens of each row, EOS not counted; there the output is
    ended.
    """
    tokens: list[list[int]] = [[] for _ in limits]
    scores: list[list[float]] = [[] for _ in limits]
    active = list(range(len(limits)))
    last = torch.full((len(limits), 1), BOS, device=device)
    length = 0
    while active:
        length += 1
        log_probabilities = _log_probabilities(steps, last, state)  # (N, V)
        allowed = _allow(log_probabilities, torch.tensor([length > limits[row] for row in active], device=device))
        chosen = choose(allowed)
        scored = log_probabilities.gather(1, chosen[:, None]).squeeze(1).tolist()
        picked = chosen.tolist()
        kept = []
        for place, (row, token, score) in enumerate(zip(active, picked, scored, strict=True)):
            scores[row].append(score)
            if token != EOS:
                tokens[row].append(token)
                kept.append(place)
        if kept and len(kept) < len(active):
            rows = torch.tensor(kept, device=device)
            state.reorder(rows, rows)
            chosen = chosen[rows]
        active = [active[place] for place in kept]
        last = chosen[:, None]
    return [
        Hypothesis(tuple(ids), tuple(each), sum(each) / penalty(len(each), alpha)) for ids, each in zip(tokens, scores)
    ]


def greedy(
    steps: Steps, state: State, limits: Sequence[int], *, alpha: float, device: torch.device
) -> list[Hypothesis]:
    """The most probable token, each time."""
    return roll_out(steps, state, limits, lambda scores: scores.argmax(-1), alpha=alpha, device=device)


@torch.inference_mode()
def beam_search(
    steps: Steps,
    state: State,
    limits: Sequence[int],
    *,
    beam_size: int,
    alpha: float,
    n_best: int = 1,
    device: torch.device,
) -> list[list[Hypothesis]]:
    """The n best outputs found for each of B sentences, best first (section 6.1; Wu et al., 2016).

    Each step looks at the 2K best extensions of a sentence's K hypotheses: those among the first K that end are
    finished; the K best that do not end go on. At its limit (in tokens, EOS not counted) every hypothesis is ended. A
    sentence stops when no live hypothesis can still beat its n-th best: log-probabilities only fall and the penalty
    is largest at the limit, so the bound live / penalty(limit) is safe: stopping there never changes the result.
    """
    B, K = len(limits), beam_size
    finished: list[list[Hypothesis]] = [[] for _ in range(B)]
    active = list(range(B))
    last = torch.full((B, 1), BOS, device=device)
    totals = torch.zeros(B, 1, device=device)  # (B, k), k = 1 at first, then K
    history = torch.empty(B, 1, 0, dtype=torch.long, device=device)  # (B, k, t) tokens
    history_scores = torch.empty(B, 1, 0, device=device)
    length = 0
    while active:
        length += 1
        b, k = totals.shape
        at_limit = torch.tensor([length > limits[sentence] for sentence in active], device=device)
        log_probabilities = _log_probabilities(steps, last, state)  # (b x k, V)
        V = log_probabilities.size(-1)
        allowed = _allow(log_probabilities, at_limit.repeat_interleave(k)).view(b, k, V)
        best, index = (totals[..., None] + allowed).view(b, -1).topk(min(2 * K, k * V))
        origin, token = index // V, index % V  # (b, 2K)
        score = log_probabilities.view(b, -1).gather(1, index)
        ends = token == EOS
        _collect(finished, active, length, alpha, K, best, ends, score, origin, history, history_scores)

        # The K best that go on: a stable sort puts those that end last and keeps the order of the others.
        going = ends.to(torch.uint8).argsort(dim=1, stable=True)[:, :K]
        origin, token, totals, score = (part.gather(1, going) for part in (origin, token, best, score))
        totals = totals.masked_fill(token == EOS, float("-inf"))
        rows_of = torch.arange(b, device=device)[:, None]
        history = torch.cat((history[rows_of, origin], token[..., None]), dim=2)
        history_scores = torch.cat((history_scores[rows_of, origin], score[..., None]), dim=2)

        # Past its limit a sentence is over, even where the model gives NaN, which never ends.
        live = totals.max(dim=1).values.tolist()
        kept = [
            place
            for place, sentence in enumerate(active)
            if length <= limits[sentence]
            and not _settled(finished[sentence], n_best, live[place], limits[sentence], alpha)
        ]
        if not kept:
            break
        rows = origin + rows_of * k  # (b, K) rows of the state that each hypothesis continues
        sentences = None
        if len(kept) < len(active):
            sentences = torch.tensor(kept, device=device)
            rows, token, totals, history, history_scores = (
                part[sentences] for part in (rows, token, totals, history, history_scores)
            )
            active = [active[place] for place in kept]
        state.reorder(rows.flatten(), sentences)
        last = token.reshape(-1, 1)
    return [sorted(found, key=lambda hypothesis: -hypothesis.score)[:n_best] for found in finished]


def _log_probabilities(steps: Steps, last: Tensor, state: State) -> Tensor:
    return steps.step(last, state)[:, -1].float().log_softmax(-1)


def _allow(log_probabilities: Tensor, at_limit: Tensor) -> Tensor:
    """Log-probabilities (N, V) of what may come next: nothing banned, and only EOS where the limit is reached."""
    allowed = log_probabilities.clone()
    allowed[:, _BANNED] = float("-inf")
    only_end = at_limit[:, None] & (torch.arange(allowed.size(1), device=allowed.device) != EOS)
    return allowed.masked_fill_(only_end, float("-inf"))


def _collect(
    finished: list[list[Hypothesis]],
    active: list[int],
    length: int,
    alpha: float,
    K: int,
    best: Tensor,
    ends: Tensor,
    score: Tensor,
    origin: Tensor,
    history: Tensor,
    history_scores: Tensor,
) -> None:
    """Take the hypotheses that end among the first K candidates."""
    for place, rank in (ends & (best > float("-inf")))[:, :K].nonzero().tolist():
        row = int(origin[place, rank])
        scores = (*history_scores[place, row].tolist(), float(score[place, rank]))
        tokens = tuple(history[place, row].tolist())
        finished[active[place]].append(Hypothesis(tokens, scores, sum(scores) / penalty(length, alpha)))


def _settled(found: list[Hypothesis], n_best: int, live: float, limit: int, alpha: float) -> bool:
    if live == float("-inf"):
        return True
    if len(found) < n_best:
        return False
    worst = sorted((hypothesis.score for hypothesis in found), reverse=True)[n_best - 1]
    return worst >= live / penalty(limit + 1, alpha)
