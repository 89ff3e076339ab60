"""Simulated raters: a number from 0 to 1 for a completion of a prompt whose right answer is known."""

from __future__ import annotations

from collections.abc import Callable

from seq2seq.errors import ArgumentError
from seq2seq.evaluation.metrics import ChrF

Rater = Callable[[str, str, str], float]  # text of the prompt, reference, completion


def rater(name: str) -> Rater:
    """The rater of a name."""
    match name:
        case "chrf":
            metric = ChrF()
            return lambda prompt, reference, completion: metric.segments([prompt], [completion], [[reference]])[0] / 100
        case _:
            raise ArgumentError(f"no rater {name!r:.40}; there is: chrf")
