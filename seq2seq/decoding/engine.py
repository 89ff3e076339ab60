"""What turns token batches into outputs: what it is asked, and what it gives back. No torch here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

Tokens = Sequence[int]
Number = tuple[int, ...]  # of a source in all that is translated: of its line, of its part of the line


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn: from the softmax at `temperature`, cut to the `top_k` most probable, to the smallest set of
    mass `top_p`, and to those at least `min_p` times as probable as the most probable one."""

    temperature: float = 1.0  # 0 = always the most probable
    top_k: int = 0  # 0 = all
    top_p: float = 1.0
    seed: int = 1
    min_p: float = 0.0
    repetition_penalty: float = 1.0  # over 1: tokens that came before become less probable


@dataclass(frozen=True)
class Options:
    """How to search."""

    beam_size: int = 4
    length_penalty: float = 0.6
    n_best: int = 1
    max_extra: int = 50  # output tokens beyond the source's
    batch_tokens: int = 4096
    sampling: Sampling | None = None  # in place of the search
    token_scores: bool = True  # whether each token's is wanted: an engine may leave them out where they cost time


@dataclass(frozen=True)
class Hypothesis:
    """One finished output."""

    tokens: tuple[int, ...]  # without BOS and EOS
    token_scores: tuple[float, ...]  # natural-log probability of each token, then of EOS where it ended so; or none
    score: float  # their sum over the length penalty: what search ranks by

    @property
    def log_probability(self) -> float:
        """Natural-log probability of the whole output, its end included."""
        return sum(self.token_scores)


def penalty(length: int, alpha: float) -> float:
    """GNMT's length penalty ((5 + length) / 6) ** alpha (Wu et al., 2016, equation 14); the length counts EOS."""
    return float(((5 + length) / 6) ** alpha)


def hypothesis(tokens: Sequence[int], token_scores: Sequence[float], alpha: float) -> Hypothesis:
    """An output with the score that its length gives it."""
    return Hypothesis(tuple(tokens), tuple(token_scores), sum(token_scores) / penalty(len(token_scores), alpha))


class Engine(Protocol):
    """What turns token batches into outputs."""

    def translate(
        self, sources: Sequence[Tokens], options: Options, numbers: Sequence[Number] | None = None
    ) -> list[list[Hypothesis]]:
        """The n best outputs of each source, best first. What is drawn at random for a source is a function of the seed
        and of its number: its place where there are none."""

    def score(self, sources: Sequence[Tokens], targets: Sequence[Tokens], alpha: float) -> list[Hypothesis]:
        """Given outputs, scored as `translate` scores its own."""


class Scorer:
    """Scores of given outputs, by forced decoding, by an engine that `open` gives when it is first needed.

    With `together` all are computed at once. Else those of each source are, by themselves: what else is scored changes
    no digit of them, which costs a CPU about half as much time again.
    """

    def __init__(self, open: Callable[[], Engine], *, together: bool = False) -> None:
        self._open = open
        self._together = together
        self._opening = Lock()
        self._engine: Engine | None = None

    def score(self, groups: Sequence[tuple[Tokens, Sequence[Tokens]]], alpha: float) -> list[list[Hypothesis]]:
        """The outputs of each source, scored."""
        with self._opening:
            self._engine = engine = self._engine or self._open()
        if not self._together:
            return [engine.score([source] * len(targets), targets, alpha) for source, targets in groups]
        sources = [source for source, targets in groups for _ in targets]
        scored = iter(engine.score(sources, [each for _, targets in groups for each in targets], alpha))
        return [[next(scored) for _ in targets] for _, targets in groups]
