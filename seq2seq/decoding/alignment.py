"""Word alignments out of weights of tokens: which words of a text a translation's words come from. No torch here.

Words are what blanks separate, as `str.split` has them; a character of a script without blanks is a word by itself.
They are counted from 0, and written as the field does: `0-0 1-2`, source before target (Pharaoh's format).

Shapes: T tokens of a target, S tokens of a source, E and F words of these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.languages import is_unspaced
from seq2seq.data.tokenizer import Tokenizer

Link = tuple[int, int]  # a word of the source, and one of the target

_NEIGHBOURS = [(one, other) for one in (-1, 0, 1) for other in (-1, 0, 1) if one or other]


def spans(text: str) -> list[tuple[int, int]]:
    """The places of the words of a text: their first characters, and those after their last."""
    found = []
    for match in re.finditer(r"\S+", text):
        place = match.start()
        for alone, group in groupby(match[0], is_unspaced):
            length = len(list(group))
            found += [(at, at + 1) for at in range(place, place + length)] if alone else [(place, place + length)]
            place += length
    return found


def words(text: str) -> list[str]:
    """The words of a text."""
    return [text[start:end] for start, end in spans(text)]


def pharaoh(links: Sequence[Link]) -> str:
    """Links as text, for example `0-0 1-2`."""
    return " ".join(f"{source}-{target}" for source, target in links)


def word_of_each(tokenizer: Tokenizer, tokens: Sequence[int], text: str) -> list[int]:
    """The word of a text that each of its tokens is part of; of a blank by itself the next one."""
    decoded = tokenizer.decode([tokens, *(tokens[:end] for end in range(len(tokens)))])
    whole, places = decoded[0], spans(decoded[0])
    count = len(spans(text))
    found = []
    for before in decoded[1:]:
        # Where a token ends within a character, its beginning decodes to another one.
        start = next(
            (at for at, pair in enumerate(zip(before, whole)) if pair[0] != pair[1]), min(len(before), len(whole))
        )
        word = sum(end <= start for _, end in places)
        # Where the vocabulary changes the number of words, their order is all that is known.
        found.append(min(word if len(places) == count else word * count // len(places), count - 1))
    return found


def of_words(
    weights: NDArray[np.floating], source: Sequence[int], target: Sequence[int], sizes: tuple[int, int]
) -> NDArray[np.float64]:
    """Weights (T, S) of tokens as those of words (E, F), given the word of each token and `sizes` (F, E): the mean over
    the tokens of a target's word of the sums over those of a source's."""
    F, E = sizes
    to_source, to_target = np.zeros((len(source), F)), np.zeros((E, len(target)))
    to_source[np.arange(len(source)), source] = 1
    to_target[target, np.arange(len(target))] = 1
    return to_target @ weights @ to_source / np.maximum(to_target.sum(1, keepdims=True), 1)  # type: ignore[no-any-return]


def links_of(weights: NDArray[np.floating]) -> list[Link]:
    """The links of words out of weights (E, F).

    What each target word gives most to, and what gives most to each source word: where both agree, then neighbours of
    such links for words without one, then what target words are still without (grow-diag-final; Koehn et al., 2003).
    """
    E, F = weights.shape
    if not E or not F:
        return []
    forward = {(int(source), target) for target, source in enumerate(weights.argmax(1))}
    backward = {(source, int(target)) for source, target in enumerate(weights.argmax(0))}
    links, either = forward & backward, forward | backward
    while grown := next((link for link in sorted(either - links) if _may_join(link, links)), None):
        links.add(grown)
    linked = {target for _, target in links}
    return sorted(links | {link for link in forward if link[1] not in linked})


def in_order(sources: int, targets: int) -> list[Link]:
    """Links of so many words where nothing more is known: each with the one at its share of the other side."""
    if not sources or not targets:
        return []
    forward = {(target * sources // targets, target) for target in range(targets)}
    return sorted(forward | {(source, source * targets // sources) for source in range(sources)})


def _may_join(link: Link, links: set[Link]) -> bool:
    """Whether a link is next to another, and one of its words has none."""
    source, target = link
    near = any((source + one, target + other) in links for one, other in _NEIGHBOURS)
    return near and (all(source != each for each, _ in links) or all(target != each for _, each in links))
