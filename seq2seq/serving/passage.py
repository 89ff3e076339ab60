"""A text with the tags inside it: it is translated whole, and its tags are put where the words at them have gone.

Words are those of `seq2seq.decoding.alignment`; a span is a first and the one after the last of words or characters.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from typing import Literal, NamedTuple

from seq2seq.decoding.alignment import Link, in_order, spans

_DEEPEST = 20  # elements in one another
# Addresses, mentions and tags of social networks.
NAMES = re.compile(r"(\w+://|www\.|[@#])\S*|\S+@\S+|\S*/\S*")

Span = tuple[int, int]


class Token(NamedTuple):
    """A part of HTML: a text, a tag, or what stands alone, of which `break` separates words."""

    kind: Literal["text", "open", "close", "point", "break"]
    html: str
    value: str = ""  # the text, or the name of the tag
    kept: bool = False  # whether it is in an element that is not translated, or opens one


@dataclass(eq=False)
class _Element:
    """An element; or, without a closing tag, something that is kept as it is, at a place in the text."""

    opening: str
    closing: str = ""
    start: int = 0  # of its text, in characters
    end: int = 0
    inside: list[_Element] = field(default_factory=list)
    breaks: bool = False
    spaced: tuple[bool, bool] = (False, False)  # whether a space is before it, and after

    @property
    def all(self) -> Iterator[_Element]:
        """It, and every element inside."""
        yield self
        for each in self.inside:
            yield from each.all


class _Aligned(NamedTuple):
    """A translation, and where its words come from."""

    text: str
    words: list[Span]
    sources: list[list[int]]  # of each word
    reached: list[int]  # of each word of the source, or the nearest one before it that is linked: its last word; or -1


class Passage:
    """A text with tags. Raises ValueError where these are not balanced, or too deep in one another."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        raw, self._root = _read(tokens)
        elements = [*self._root.all]
        self.text, places = _collapsed(raw, {each.start for each in elements if not each.closing})
        for each in elements:
            each.spaced = raw[each.start - 1 : each.start].isspace(), raw[each.end : each.end + 1].isspace()
            each.start, each.end = places[each.start], places[each.end]
        self._words = spans(self.text)
        self._starts, self._ends = [word[0] for word in self._words], [word[1] for word in self._words]
        size = len(self.text)
        # Whether tags are between words, so that an alignment says where they go.
        self.divided = not {(each.start, each.end) for each in self._root.all} <= {(0, 0), (0, size), (size, size)}

    def translated(self, translation: str, links: Sequence[Link] = ()) -> str:
        """The HTML of a translation with the links of its words; without links they are taken to be in the order of the
        source. Every tag is in it once, and in the elements that it was in."""
        words = spans(translation)
        sources: list[list[int]] = [[] for _ in words]
        last = [-1] * len(self._words)
        for source, target in links or in_order(len(self._words), len(words)):
            sources[target].append(source)
            last[source] = max(last[source], target)
        reached: list[int] = []
        for own in last:
            reached.append(own if own >= 0 or not reached else reached[-1])
        aligned = _Aligned(translation, words, sources, reached)
        return self._written(self._root, (0, len(words)), (0, len(translation)), aligned)

    def _written(self, element: _Element, words: Span, place: Span, aligned: _Aligned) -> str:
        """An element that has these words of the translation, at this place."""
        runs = self._runs(element, words, aligned)
        placed = {id(each): self._place(each, element, runs.get(id(each)), place, aligned) for each in element.inside}
        taken = sorted(own for own in placed.values() if own[0] < own[1])
        for key, (start, end) in placed.items():
            before = bisect_left(taken, (start, start)) - 1
            if start == end and before >= 0 and start < taken[before][1]:  # not into another element
                placed[key] = taken[before][1], taken[before][1]
        written, at = element.opening, place[0]
        for child in sorted(element.inside, key=lambda each: placed[id(each)]):
            start, end = placed[id(child)]
            written += escape(aligned.text[at:start], quote=False)
            apart = child.start == child.end and not child.breaks
            written += " " if apart and child.spaced[0] and written[len(element.opening) :][-1:].strip() else ""
            written += self._written(child, runs.get(id(child), (0, 0)), (start, end), aligned)
            written += " " if apart and child.spaced[1] and aligned.text[end : end + 1].strip() else ""
            at = end + (child.breaks and aligned.text[end : end + 1] == " ")
        return written + escape(aligned.text[at : place[1]], quote=False) + element.closing

    def _runs(self, element: _Element, words: Span, aligned: _Aligned) -> dict[int, Span]:
        """The words of a translation that each element inside one has: of those linked to it, the longest run."""
        owners: dict[int, int] = {}
        for each in element.inside:
            if (each.start, each.end) == (element.start, element.end) and each.closing:
                return {id(each): words}
            first = bisect_right(self._ends, each.start)
            for word in range(first, bisect_left(self._starts, each.end) if each.start < each.end else first):
                owners.setdefault(word, id(each))

        def owner(word: int) -> int:
            linked = [owners.get(source, 0) for source in aligned.sources[word]]
            return max(linked, key=lambda each: (linked.count(each), each != 0), default=0)

        runs: dict[int, Span] = {}
        for key, group in groupby(range(*words), owner):
            first, *rest = group
            if 1 + len(rest) > len(range(*runs.get(key, (0, 0)))):
                runs[key] = first, first + 1 + len(rest)
        return runs

    def _place(self, child: _Element, parent: _Element, run: Span | None, place: Span, aligned: _Aligned) -> Span:
        """The characters of a translation that an element has, inside those of the one that it is in."""
        if child.closing and (child.start, child.end) == (parent.start, parent.end):
            return place
        if run is None or run[0] == run[1]:
            start = end = self._point(child.start, parent, place, aligned)
        else:
            first, last = aligned.words[run[0]], aligned.words[run[1] - 1]
            start, end = first[0], last[1]
            if self._splits(child.start):  # where punctuation was outside, it is so again
                start = _core(aligned.text, first)[0]
            if self._splits(child.end):
                end = _core(aligned.text, last)[1]
        start, end = (min(max(each, place[0]), place[1]) for each in (start, end))
        return start, max(start, end)

    def _point(self, at: int, parent: _Element, place: Span, aligned: _Aligned) -> int:
        """The place of what has no words: after the word that it was after."""
        if at <= parent.start:
            return place[0]
        word = bisect_left(self._starts, at) - 1
        if at >= parent.end or word < 0:
            return place[1]
        if aligned.reached[word] < 0:
            return place[0]
        span = aligned.words[aligned.reached[word]]
        return span[1] if at >= self._ends[word] else _core(aligned.text, span)[1]

    def _splits(self, at: int) -> bool:
        """Whether a place is inside a word of the text."""
        word = bisect_left(self._starts, at) - 1
        return word >= 0 and at < self._ends[word]


def _read(tokens: Sequence[Token]) -> tuple[str, _Element]:
    """The text of tokens as it is written, and their elements, at places of it."""
    texts: list[str] = []
    size = 0
    opened = [(_Element(""), Token("open", ""), 0, 0)]  # with the numbers of the token and of the texts where they open
    for number, token in enumerate(tokens):
        element, tag, first, read = opened[-1]
        if token.kind == "open":
            opened.append((_Element(token.html, start=size), token, number, len(texts)))
            if len(opened) > _DEEPEST:
                raise ValueError("too deep")
        elif token.kind == "close":
            if len(opened) == 1 or tag.value != token.value:
                raise ValueError(f"{token.html} is not open")
            opened.pop()
            if tag.kept or NAMES.fullmatch("".join(texts[read:]).strip()):
                element = _Element("".join(each.html for each in tokens[first : number + 1]), start=element.start)
                size = element.start
                del texts[read:]
            else:
                element.closing = token.html
            element.end = size
            opened[-1][0].inside.append(element)
        elif token.kind == "text":
            texts.append(token.value)
            size += len(token.value)
        else:
            element.inside.append(_Element(token.html, start=size, end=size, breaks=token.kind == "break"))
            if token.kind == "break":
                texts.append(" ")
                size += 1
    if len(opened) > 1:
        raise ValueError(f"{opened[-1][1].html} is not closed")
    root = opened[0][0]
    root.end = size
    return "".join(texts), root


def _collapsed(text: str, points: Collection[int]) -> tuple[str, list[int]]:
    """A text with single spaces, none around it, nor before punctuation where only what is at one of the points is
    between them; and the place in it of each character, and of the end."""
    written: list[str] = []
    places = []
    for number, character in enumerate(text):
        if number in points and written[-1:] == [" "] and not (character.isspace() or character.isalnum()):
            written.pop()
        places.append(len(written))
        if not character.isspace():
            written.append(character)
        elif written[-1:] not in ([], [" "]):
            written.append(" ")
    whole = "".join(written).rstrip()
    return whole, [min(each, len(whole)) for each in [*places, len(whole)]]


def _core(text: str, span: Span) -> Span:
    """A word without the punctuation around it."""
    core = [place for place in range(*span) if text[place].isalnum()]
    return (core[0], core[-1] + 1) if core else span
