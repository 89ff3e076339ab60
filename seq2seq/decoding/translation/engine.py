"""What turns token batches into outputs: what it is asked, and what it gives back. No torch here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Protocol

from seq2seq.decoding.hypothesis import Hypothesis, Tokens
from seq2seq.decoding.options import Number, SearchOptions


class Engine(Protocol):
    """What turns token batches into outputs."""

    def translate(
        self, sources: Sequence[Tokens], options: SearchOptions, numbers: Sequence[Number] | None = None
    ) -> list[list[Hypothesis]]:
        """The n best outputs of each source, best first. What is drawn at random for a source is a function of the seed
        and of its number: its place where there are none."""

    def score(self, sources: Sequence[Tokens], targets: Sequence[Tokens], alpha: float) -> list[Hypothesis]:
        """Given outputs by forced decoding, with the scores that `translate` reports for the same tokens."""


def by_length(sources: Sequence[Tokens]) -> list[list[int]]:
    """The places of sources of one length, which a decoder-only model takes together: nothing is padded, so that
    nothing need be hidden."""
    lengths = sorted({len(source) for source in sources})
    return [[place for place, source in enumerate(sources) if len(source) == length] for length in lengths]


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
        scored = iter(engine.score(sources, [target for _, targets in groups for target in targets], alpha))
        return [[next(scored) for _ in targets] for _, targets in groups]
