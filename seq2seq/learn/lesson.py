"""What a note of the lecture shows: five lines, a picture, and an error where the effect does not show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seq2seq.errors import SeqxError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class EffectError(SeqxError):
    """What a note teaches did not show when it was measured."""


@dataclass(frozen=True)
class Lesson:
    """What was seen: five lines of at most 80 characters, with the figures that were measured, and a picture."""

    lines: tuple[str, str, str, str, str]
    figure: Figure
    correction: str = ""  # what is wrong in the notes of the lecture


def expect(claim: str, holds: object) -> None:
    """Raise EffectError where a claim does not hold."""
    if not holds:
        raise EffectError(f"the effect does not show: expected that {claim}")
