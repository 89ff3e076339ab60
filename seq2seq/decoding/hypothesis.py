"""The results of search and sampling: tokens with their scores. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Tokens = Sequence[int]

NOT_FINITE = "the model gives no finite probability: its weights are damaged, or training diverged"


@dataclass(frozen=True)
class Hypothesis:
    """One finished output."""

    tokens: tuple[int, ...]  # without BOS and EOS
    # Natural-log probability of each token, then of EOS where it ended with that; or none.
    token_scores: tuple[float, ...]
    score: float  # their sum over the length penalty: what search ranks by


def penalty(length: int, alpha: float) -> float:
    """GNMT's length penalty ((5 + length) / 6) ** alpha (Wu et al., 2016, equation 14); the length counts EOS."""
    return float(((5 + length) / 6) ** alpha)


def hypothesis(tokens: Tokens, token_scores: Sequence[float], alpha: float) -> Hypothesis:
    """An output with the score that its length gives it."""
    return Hypothesis(tuple(tokens), tuple(token_scores), sum(token_scores) / penalty(len(token_scores), alpha))
