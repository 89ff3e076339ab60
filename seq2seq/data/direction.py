"""Whether the two sides of pairs are in their languages, in each other's, or in a third one, by py3langid over enough
text to be certain: never by a short line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from seq2seq.data.identification import accepted, classifier, known
from seq2seq.data.pairs import Pair

_LETTERS = 60  # of each side, judged together: a line, or several consecutive ones
_MOST = 300  # characters judged of a long line
_SURE = 0.9
_CLOSELY = 5_000  # judged; after as many, only every second is, then every fourth
_LEAST = 5  # minimum of judgements that lines are swapped
_MANY, _MOSTLY = 20, 0.6  # judgements of a side, and their share in one other language, to say that it is in that


class Direction:
    """Counts lines whose source is in the target language and whose target is in the source language."""

    def __init__(self, source: str, target: str) -> None:
        self.lines = 0  # added
        self.swapped = self.right = 0  # lines judged so
        self.first = 0  # line that is swapped, counted from 1: where several are together, of these
        self._last = 0  # where the last judgement was that lines are swapped, the first of them
        self._codes = (known(source), known(target))
        self._able = bool(all(self._codes)) and self._codes[0] != self._codes[1]
        self._start = 1
        self._held: tuple[list[str], list[str]] = ([], [])
        self._letters = [0, 0]
        self._judged = self._groups = self._swapped = 0
        self._together = False

    def add(self, pair: Pair) -> None:
        """Add the next line."""
        self.lines += 1
        if not self._able:
            return
        for index, side in enumerate(pair):
            self._held[index].append(side)
            self._letters[index] += len(side)
        if min(self._letters) >= _LETTERS:
            if self._groups % (1 << (self._judged // _CLOSELY)) == 0:
                self._judge()
            self._groups += 1
            self._start, self._held, self._letters = self.lines + 1, ([], []), [0, 0]

    @property
    def throughout(self) -> bool:
        """Whether nearly all lines are swapped."""
        return self.certain and self.swapped > 9 * self.right

    @property
    def certain(self) -> bool:
        """Whether more lines are swapped than would look so by chance."""
        return self._swapped >= _LEAST and self.swapped * 200 > self.right

    def _judge(self) -> None:
        classify = classifier(*self._codes)
        guesses = [classify("\n".join(side)[:_MOST]) for side in self._held]
        self._judged += 1
        if min(probability for _, probability in guesses) < _SURE:
            return
        languages = tuple(language for language, _ in guesses)
        lines = self.lines - self._start + 1
        if languages == self._codes:
            self.right += lines
            self._last = 0
        elif languages == self._codes[::-1]:
            self.swapped += lines
            self._swapped += 1
            if self._last and not self._together:
                self.first, self._together = self._last, True
            self.first = self.first or self._start
            self._last = self._start


def looks_swapped(pairs: Iterable[Pair], source: str, target: str) -> bool:
    """Whether the sides of some pairs are in each other's language throughout."""
    direction = Direction(source, target)
    for pair in pairs:
        direction.add(pair)
    return direction.throughout


def third_languages(pairs: Iterable[Pair], source: str, target: str) -> tuple[str, str]:
    """The language, neither `source` nor `target`, that each side of some pairs is mostly in; empty where a side is in
    its own, in several, or cannot be judged: too few lines, or a language that the identifier does not know."""
    sides = tuple(zip(*pairs)) or ((), ())
    first, second = accepted(source), accepted(target)
    return tuple(  # type: ignore[return-value]
        _third(side, first | second) if known(language) else "" for side, language in zip(sides, (source, target))
    )


def _third(lines: Iterable[str], expected: frozenset[str]) -> str:
    classify, languages, held = classifier(), Counter[str](), ""
    for line in lines:
        held = f"{held}\n{line}" if held else line
        if len(held) >= _LETTERS:
            language, probability = classify(held[:_MOST])
            languages[language if probability >= _SURE else ""] += 1
            held = ""
    language, count = max(languages.items(), key=lambda item: item[1], default=("", 0))
    certain = languages.total() >= _MANY and count > _MOSTLY * languages.total()
    return language if certain and language not in expected else ""
