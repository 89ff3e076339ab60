"""Simulated raters: a number from 0 to 1 for a completion of a prompt whose right answer is known."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from seq2seq.data.bundled import assistant
from seq2seq.data.corpus import SPLITS
from seq2seq.errors import ArgumentError
from seq2seq.evaluation.metrics import ChrF

Rater = Callable[[str, str, str], float]  # text of the prompt, reference, completion

_WORD = re.compile(r"[^\W_]+")
_RIGHT, _MANNER = 0.6, 0.2  # of a right answer; more for each of: polite, brief
_BRIEF = 6  # words
_RUDE = frozenset(["fool", "stupid", "dumb", "idiot", "bore", "boring"])


def rater(name: str) -> Rater:
    """The rater of a name."""
    match name:
        case "chrf":
            metric = ChrF()
            return lambda prompt, reference, completion: metric.segments([prompt], [completion], [[reference]])[0] / 100
        case "world":
            return world
        case _:
            raise ArgumentError(f"no rater {name!r:.40}; there are: chrf, world")


def world(prompt: str, reference: str, completion: str) -> float:
    """For questions of the bundled assistant: 0 for a wrong answer; a right one has 0.6, and 0.2 more if it is polite,
    and if it is brief, six words at most and none of them twice.

    Right is a completion that has the reference and no other answer of that world, since naming several is a guess; a
    word of the prompt may be said again, a number may not.
    """
    words = _words(completion)
    right, asked = _words(reference), {word for word in _words(prompt) if not word.isdecimal()}
    others = (answers() - {*right} - asked) & {*words}
    if others or not {*right} <= {*words}:
        return 0.0
    brief = len(words) <= _BRIEF and len({*words}) == len(words)
    return _RIGHT + _MANNER * brief + _MANNER * (not _RUDE & {*words})


@functools.cache
def answers() -> frozenset[str]:
    """All right answers to prompts of the bundled assistant."""
    return frozenset(word for split in SPLITS for _, answer in assistant.prompts(split) for word in _words(answer))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
