"""The interface of engines, which translate batches of tokens. No torch here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Protocol

from seq2seq.decoding.hypothesis import Hypothesis, Tokens
from seq2seq.decoding.options import SampleNumber, SearchOptions


class Engine(Protocol):
    """Translates batches of tokens."""

    def translate(
        self, sources: Sequence[Tokens], options: SearchOptions, numbers: Sequence[SampleNumber] | None = None
    ) -> list[list[Hypothesis]]:
        """The n best outputs of each source, best first. The samples of a source are a function of the seed and of its
        number, which without `numbers` is its place."""

    def score(self, sources: Sequence[Tokens], targets: Sequence[Tokens], alpha: float) -> list[Hypothesis]:
        """Given outputs by forced decoding, with the scores that `translate` reports for the same tokens."""


def by_length(sources: Sequence[Tokens]) -> list[list[int]]:
    """The places of sources grouped by length, for a decoder-only model: without padding, no mask is needed."""
    lengths = sorted({len(source) for source in sources})
    return [[place for place, source in enumerate(sources) if len(source) == length] for length in lengths]


class Scorer:
    """Scores of given outputs by forced decoding, with an engine that `open` returns when it is first needed.

    With `together` all are computed at once. Otherwise those of each source are computed by themselves, so that no
    digit depends on the other sources, which takes a CPU about 1.5 times as long.
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
        scored = iter(engine.score(sources, [target for _, targets in groups for target in targets], alpha))
        return [[next(scored) for _ in targets] for _, targets in groups]
