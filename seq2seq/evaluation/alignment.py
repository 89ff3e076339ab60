"""Word alignments judged: by those of people (alignment error rate), or by how often words occur together.

Shapes: F words of a source, E words of a target.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.decoding.alignment import Link

Words = Sequence[str]

_ROUNDS = 5  # of expectation maximisation
_TENSION, _NULL = 4.0, 0.08  # as in fast_align
_SMOOTHING = 0.01  # added to each count
_LONGEST = 60  # words: longer pairs say little, and cost much


def error_rate(
    found: Iterable[Collection[Link]], sure: Iterable[Collection[Link]], possible: Iterable[Collection[Link]]
) -> float:
    """The alignment error rate of several sentences (Och & Ney, 2003, equation 23): 0 where all sure links, and none
    but possible ones, are found. A sure link is possible too, whether `possible` says so or not."""
    hits = total = 0
    for own, certain, allowed in zip(map(set, found), map(set, sure), map(set, possible), strict=True):
        hits += len(own & certain) + len(own & (allowed | certain))
        total += len(own) + len(certain)
    return 1 - hits / total if total else 0.0


def by_cooccurrence(pairs: Sequence[tuple[Words, Words]]) -> list[NDArray[np.float64]]:
    """How probable it is that words are translations of one another, (E, F) for each pair, from the pairs alone.

    IBM model 1 with a preference for the diagonal (Dyer et al., 2013), learnt in both directions; their geometric mean.
    Pairs with a side that is blank or of over 60 words have an empty array.
    """
    usable = [bool(source and target) and max(len(source), len(target)) <= _LONGEST for source, target in pairs]
    kept = [pair for pair, use in zip(pairs, usable) if use]
    there = _one_way(kept)
    back = _one_way([(target, source) for source, target in kept])
    both = iter([np.sqrt(one * other.T) for one, other in zip(there, back)])
    return [next(both) if use else np.zeros((0, 0)) for use in usable]


def _one_way(pairs: Sequence[tuple[Words, Words]]) -> list[NDArray[np.float64]]:
    """The probability of each word of a source, (E, F), to be what a word of the target comes from."""
    if not pairs:
        return []
    sources, targets = (_numbered(side) for side in zip(*pairs))
    shapes = [(len(target), len(source)) for source, target in pairs]
    prior = (1 - _NULL) * np.concatenate([_diagonal(E, F).ravel() for E, F in shapes])
    source = np.concatenate([np.tile(each, E) for each, (E, _) in zip(sources, shapes)])
    target = np.concatenate([np.repeat(each, F) for each, (_, F) in zip(targets, shapes)])
    each_word = np.concatenate(targets)  # of all targets
    place = np.repeat(np.arange(len(each_word)), np.concatenate([np.full(E, F) for E, F in shapes]))
    known, pair = np.unique(source * (target.max() + 1) + target, return_inverse=True)
    first = known // (target.max() + 1)  # the source word of each pair of words
    translation, null = np.ones(len(known)), np.ones(target.max() + 1)
    posterior = prior
    for _ in range(_ROUNDS):
        likely, alone = translation[pair] * prior, null[each_word] * _NULL
        sums = np.bincount(place, likely, len(each_word)) + alone
        posterior = likely / sums[place]
        counts = np.bincount(pair, posterior, len(known)) + _SMOOTHING
        translation = counts / np.bincount(first, counts)[first]
        unexplained = np.bincount(each_word, alone / sums, len(null))
        null = unexplained / unexplained.sum()
    ends = np.cumsum([E * F for E, F in shapes])[:-1]
    return [part.reshape(shape) for part, shape in zip(np.split(posterior, ends), shapes)]


def _numbered(texts: Sequence[Words]) -> list[NDArray[Any]]:
    numbers: dict[str, int] = {}
    return [np.array([numbers.setdefault(word, len(numbers)) for word in text]) for text in texts]


def _diagonal(E: int, F: int) -> NDArray[np.float64]:
    """How probable each source word is by its place alone, (E, F)."""
    apart = np.abs((np.arange(E) + 0.5)[:, None] / E - (np.arange(F) + 0.5)[None, :] / F)
    near = np.exp(-_TENSION * apart)
    return near / near.sum(1, keepdims=True)  # type: ignore[no-any-return]
