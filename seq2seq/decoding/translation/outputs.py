"""Translations of a line, and how those of its parts are joined. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seq2seq.decoding.hypothesis import penalty
from seq2seq.decoding.translation.segments import Segmenter


@dataclass(frozen=True)
class Output:
    """One candidate translation of a line."""

    text: str
    score: float  # log-probability over the length penalty
    log_probability: float
    pieces: tuple[str, ...]  # tokens as written in the vocabulary, EOS included
    token_scores: tuple[float, ...]  # natural-log probability of each; none where the options ask for none


@dataclass(frozen=True)
class Translation:
    """A line and its translations, best first, each text once unless they are sampled. A blank line has one
    empty output."""

    source: str
    outputs: tuple[Output, ...]
    parts: int = 1  # translated separately: sentences, and parts of those too long for the model
    copied: bool = False  # whether the line has no letter, and is its own translation

    @property
    def text(self) -> str:
        """The best translation."""
        return self.outputs[0].text


def copied(text: str) -> Output:
    """A text as its own translation."""
    return Output(text, 0.0, 0.0, (), ())


def joined(segmenter: Segmenter, parts: Sequence[str], outputs: Sequence[Output], alpha: float) -> Output:
    """The outputs of a line's parts, one each, as an output of the line under a length penalty."""
    if len(outputs) == 1:
        return outputs[0]
    pieces = tuple(piece for output in outputs for piece in output.pieces)
    scores = tuple(score for output in outputs for score in output.token_scores)
    total = sum(output.log_probability for output in outputs)
    text = segmenter.joined(parts, [output.text for output in outputs])
    return Output(text, total / penalty(len(pieces), alpha), total, pieces, scores)


def ranked(
    segmenter: Segmenter, parts: Sequence[str], groups: Sequence[Sequence[Output]], alpha: float
) -> list[Output]:
    """The outputs of a line, best first, each text once, from those of each of its parts, best first: rank by rank; a
    part with fewer outputs than others repeats its last one."""
    ranks = range(max(map(len, groups)))
    outputs = [
        joined(segmenter, parts, [group[min(rank, len(group) - 1)] for group in groups], alpha) for rank in ranks
    ]
    outputs.sort(key=lambda output: output.score)
    outputs = list({output.text: output for output in outputs}.values())  # the best of each text
    return sorted(outputs, key=lambda output: -output.score)
