"""Greedy and beam search. They see a model only through `Steps`, and so work with any model that can take a step.

Shapes: B sentences, K beams, N = B x K hypotheses (rows, those of a sentence adjacent), V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from seq2seq.data.tokenizer import BOS, EOS
from seq2seq.decoding.hypothesis import Hypothesis, hypothesis, penalty
from seq2seq.model.state import State

# Picks the next token of each row: (logits (N, V), minus infinity where a token is not allowed; the numbers of the
# N rows) -> (N,).
ChooseToken = Callable[[Tensor, Sequence[int]], Tensor]


class Steps(Protocol):
    """What search knows of a model."""

    def step(self, tokens: Tensor, state: State) -> Tensor:
        """The next tokens (N, 1) of each hypothesis -> logits (N, 1, V), which the caller may change; `state` is
        updated."""


class ChosenToken(NamedTuple):
    """One token of one row."""

    row: int
    token: int
    score: float  # natural-log probability, the model's own


@torch.inference_mode()
def unroll(
    steps: Steps,
    state: State,
    limits: Sequence[int],
    choose: ChooseToken,
    *,
    first: Tensor | None = None,
    ended: Collection[int] = (),
    device: torch.device,
) -> Iterator[list[ChosenToken]]:
    """Extend one hypothesis per row, token by token: each step yields what `choose` picked for the unfinished rows.

    Each row has a memory of its own, and begins after its token of `first` (N,), else BOS. A row ends with EOS, the
    only token allowed past its limit (in tokens, EOS not counted), or where the caller adds it to `ended` between two
    steps.
    """
    active = list(range(len(limits)))
    last = _first(first, len(limits), device)
    length = 0
    while active:
        length += 1
        logits = steps.step(last, state)[:, -1].float()  # (N, V)
        scores = logits.log_softmax(-1)
        chosen = choose(_allow(logits, [length > limits[row] for row in active]), active)
        scored = scores.gather(1, chosen[:, None]).squeeze(1)
        step = list(map(ChosenToken, active, chosen.tolist(), scored.tolist()))
        yield step
        kept = [place for place, (row, token, _) in enumerate(step) if token != EOS and row not in ended]
        if kept and len(kept) < len(active):
            rows = torch.tensor(kept, device=device)
            state.reorder(rows, rows)
            chosen = chosen[rows]
        active = [active[place] for place in kept]
        last = chosen[:, None]


def roll_out(
    steps: Steps,
    state: State,
    limits: Sequence[int],
    choose: ChooseToken,
    *,
    alpha: float,
    first: Tensor | None = None,
    device: torch.device,
) -> list[Hypothesis]:
    """One finished output per row, as `unroll` chooses it."""
    tokens: list[list[int]] = [[] for _ in limits]
    scores: list[list[float]] = [[] for _ in limits]
    for step in unroll(steps, state, limits, choose, first=first, device=device):
        for row, token, score in step:
            scores[row].append(score)
            if token != EOS:
                tokens[row].append(token)
    return [hypothesis(*output, alpha) for output in zip(tokens, scores)]


def most_probable(logits: Tensor, rows: Sequence[int]) -> Tensor:
    """`ChooseToken` of greedy search."""
    return logits.argmax(-1)


@torch.inference_mode()
def beam_search(
    steps: Steps,
    state: State,
    limits: Sequence[int],
    *,
    beam_size: int,
    alpha: float,
    n_best: int = 1,
    first: Tensor | None = None,
    cut: bool = False,
    device: torch.device,
) -> list[list[Hypothesis]]:
    """The n best outputs found for each of B sentences, best first (section 6.1; Wu et al., 2016).

    A sentence begins after its token of `first` (B,), else BOS. Each step looks at the 2K best extensions of its K
    hypotheses: those among the first K that end are finished; the K best that do not end continue. At its limit (in
    tokens, EOS not counted) every hypothesis is ended with EOS or, with `cut`, finished without it. A sentence stops
    when no live hypothesis can still beat its n-th best: log-probabilities only fall and the penalty is largest at the
    limit, so the bound live / penalty(limit) is safe: stopping there never changes the result.
    """
    B, K = len(limits), beam_size
    finished: list[list[Hypothesis]] = [[] for _ in range(B)]
    active = list(range(B))
    last = _first(first, B, device)
    totals = torch.zeros(B, 1, device=device)  # (B, k), k = 1 at first, then K
    history = torch.empty(B, 1, 0, dtype=torch.long, device=device)  # (B, k, t) tokens
    history_scores = torch.empty(B, 1, 0, device=device)
    length = 0
    while active:
        length += 1
        b, k = totals.shape
        log_probabilities = steps.step(last, state)[:, -1].float().log_softmax(-1)  # (b x k, V)
        V = log_probabilities.size(-1)
        allowed = _allow(log_probabilities, [length > limits[sentence] for sentence in active for _ in range(k)])
        # The 2K best of all extensions are among the 2K best of each hypothesis.
        scores, tokens = (part.view(b, -1) for part in allowed.topk(min(2 * K, V)))  # (b, k x 2K)
        extensions = scores.size(1) // k  # of each hypothesis
        best, index = (totals.repeat_interleave(extensions, dim=1) + scores).topk(min(2 * K, scores.size(1)))
        origin, token, score = index // extensions, tokens.gather(1, index), scores.gather(1, index)  # (b, 2K)
        ends = token == EOS
        ending = (ends & (best > float("-inf")))[:, :K].nonzero()
        if len(ending):
            places, ranks = ending.unbind(1)
            row = origin[places, ranks]
            tokens_before = history[places, row].tolist()
            scored = torch.cat((history_scores[places, row], score[places, ranks, None]), dim=1).tolist()
            for place, ids, its_scores in zip(places.tolist(), tokens_before, scored, strict=True):
                finished[active[place]].append(hypothesis(ids, its_scores, alpha))

        # The K best that continue: those that end sort last, the others in their order, by ranks that no two share,
        # since not every backend sorts stably.
        ranks = torch.arange(ends.size(1), device=device, dtype=torch.int32)
        going = (ends.to(torch.int32) * ends.size(1) + ranks).argsort(dim=1)[:, :K]
        origin, token, totals, score = (part.gather(1, going) for part in (origin, token, best, score))
        totals = totals.masked_fill(token == EOS, float("-inf"))
        rows_of = torch.arange(b, device=device)[:, None]
        history = torch.cat((history[rows_of, origin], token[..., None]), dim=2)
        history_scores = torch.cat((history_scores[rows_of, origin], score[..., None]), dim=2)
        for place, sentence in enumerate(active):
            if cut and length == limits[sentence]:
                for beam in (totals[place] > float("-inf")).nonzero().flatten().tolist():
                    ids, its_scores = history[place, beam].tolist(), history_scores[place, beam].tolist()
                    finished[sentence].append(hypothesis(ids, its_scores, alpha))

        # Past its limit a sentence is finished, even where the model computes NaN, which never ends.
        live = totals.max(dim=1).values.tolist()
        kept = [
            place
            for place, sentence in enumerate(active)
            if length < limits[sentence] + (not cut)
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
    return [sorted(outputs, key=lambda output: -output.score)[:n_best] for outputs in finished]


def _first(first: Tensor | None, count: int, device: torch.device) -> Tensor:
    return torch.full((count, 1), BOS, device=device) if first is None else first[:, None]


def _allow(scores: Tensor, at_limit: list[bool]) -> Tensor:
    """Mask scores (N, V) in place: PAD, UNKNOWN and BOS are never allowed, and only EOS where the limit is reached."""
    scores[:, :EOS] = float("-inf")
    if any(at_limit):
        scores[torch.tensor(at_limit, device=scores.device), EOS + 1 :] = float("-inf")
    return scores


def _settled(outputs: list[Hypothesis], n_best: int, live: float, limit: int, alpha: float) -> bool:
    if live == float("-inf"):
        return True
    if len(outputs) < n_best:
        return False
    worst = sorted((output.score for output in outputs), reverse=True)[n_best - 1]
    return worst >= live / penalty(limit + 1, alpha)
