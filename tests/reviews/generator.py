"""Reviews from patterns and a lexicon. A noun and an opinion on it are a combination: one in eight is held out for
dev."""

from __future__ import annotations

import random
import re
import zlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

_HERE = Path(__file__).parent
_TRAIN, _DEV = 24_000, 1000
_HELD_OUT = 8  # one combination in so many
_TOPICS = ("film", "food", "place")
_STRENGTHENED = 0.6  # of the places where a word like "very" may stand

_CHOICE = re.compile(r"\[([^]]*)\]")
_SLOT = re.compile(r"{([^}]*)}")
_VOWEL = re.compile(r"\b([Aa]) (?=[aei]|o(?!ne)|u(?!ni[fqtv]|se)|hon)")
_SENTENCE = re.compile(r"(?:^|[.?!] )[a-z]")


class Noun(NamedTuple):
    """What an opinion is about."""

    name: str
    topic: str
    plural: bool


class Section(NamedTuple):
    """Patterns, and how often they are used."""

    weight: int
    patterns: list[str]


@cache
def lexicon() -> dict[str, list[str]]:
    """Phrases by what they are."""
    found: dict[str, list[str]] = {}
    for line in _lines("lexicon.txt"):
        name, phrases = line.split(":", 1)
        found.setdefault(name, []).extend(phrase.strip() for phrase in phrases.split(","))
    return {name: list(dict.fromkeys(phrases)) for name, phrases in found.items()}


@cache
def patterns() -> dict[str, list[Section]]:
    """The sections of each kind."""
    found: dict[str, list[Section]] = {}
    for line in _lines("patterns.txt"):
        if heading := re.fullmatch(r"\[(\w+) \w+ (\d+)\]", line):
            found.setdefault(heading[1], []).append(Section(int(heading[2]), []))
        else:
            [*found.values()][-1][-1].patterns.append(line)
    return found


@cache
def nouns() -> list[Noun]:
    """All nouns."""
    return [
        Noun(name, topic, plural)
        for topic in _TOPICS
        for plural in (False, True)
        for name in lexicon()[f"{topic} plural nouns" if plural else f"{topic} nouns"]
    ]


def held_out(noun: str, opinion: str) -> bool:
    """Whether a combination is kept for dev."""
    return zlib.crc32(f"{noun} {opinion}".encode()) % _HELD_OUT == 0


class Writer:
    """Writes reviews whose combinations are all held out, or none."""

    def __init__(self, seed: int, *, for_dev: bool) -> None:
        self._draw = random.Random(seed)
        self._for_dev = for_dev

    def review(self, good: bool) -> str:
        """A review whose verdict is good or bad."""
        text = self._text("review", good, self._draw.choice(_TOPICS)).strip()
        text = _SENTENCE.sub(lambda match: match[0].upper(), _VOWEL.sub(r"\1n ", re.sub(" +", " ", text)))
        return text + self._draw.choices((".", "!", "", "..."), (12, 3, 2, 1))[0]

    def _text(self, kind: str, good: bool, topic: str) -> str:
        """A pattern of a kind, its choices made and its slots filled in."""
        sections = patterns()[kind]
        section = self._draw.choices(sections, [section.weight for section in sections])[0]
        pattern = self._draw.choice([line for line in section.patterns if line[:2] != ("- " if good else "+ ")])
        pattern = _CHOICE.sub(lambda match: self._draw.choice(match[1].split("|")), pattern.removeprefix("+ "))
        needed = {name: f"{{{name}}}" in pattern for name in ("one", "many")}
        about = self._noun(topic, *(plural for plural in (False, True) if not needed["one" if plural else "many"]))
        second = self._noun(topic, False, True)
        return _SLOT.sub(lambda slot: self._filled(slot[1], good, about, second), pattern.removeprefix("- "))

    def _filled(self, slot: str, good: bool, about: Noun, second: Noun) -> str:
        """What stands for a slot."""
        if "/" in slot:
            noun = second if slot.startswith("second ") else about
            return slot.removeprefix("second ").split("/")[noun.plural]
        match slot:
            case "noun" | "one" | "many":
                return about.name
            case "second":
                return second.name
            case "strength":
                return f"{self._phrase(slot, about)} " if self._draw.random() < _STRENGTHENED else ""
        side, _, name = re.sub(r"^([+-])", r"\1 ", slot).partition(" ")
        if side not in ("own", "other", "+", "-"):
            return self._phrase(slot, about)
        positive = side == "+" or (side == "own" and good) or (side == "other" and not good)
        if name == "clause":
            return self._text(name, positive, about.topic)
        sign = "+" if positive else "-"
        return self._phrase(sign + name, about) if name not in ("", "word") else self._opinion(sign, about, bool(name))

    def _phrase(self, name: str, about: Noun) -> str:
        own = f"{about.topic} {name}"
        return self._draw.choice(lexicon()[own if own in lexicon() else name])

    def _noun(self, topic: str, *plural: bool) -> Noun:
        return self._draw.choice(_nouns(topic, plural))

    def _opinion(self, sign: str, noun: Noun, word: bool) -> str:
        """An opinion on a noun that fits the split; a `word` can stand before the noun."""
        found = _opinions(sign, noun.topic, word)
        return next(each for each in self._draw.sample(found, len(found)) if held_out(noun.name, each) == self._for_dev)


@cache
def _nouns(topic: str, plural: tuple[bool, ...]) -> list[Noun]:
    return [noun for noun in nouns() if noun.topic == topic and noun.plural in plural]


@cache
def _opinions(sign: str, topic: str, word: bool) -> list[str]:
    return [each for each in (*lexicon()[sign + topic], *lexicon()[f"{sign}any"]) if not (word and " " in each)]


def _lines(name: str) -> list[str]:
    lines = (_HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def written() -> list[tuple[str, str]]:
    """The hand-written reviews: (label, text)."""
    return [(label, text) for label, text in (line.split("\t") for line in _lines("written.tsv"))]


def generated(count: int, seed: int, *, for_dev: bool) -> list[tuple[str, str]]:
    """Different reviews, (label, text), good and bad ones in turn, none of which is a written one."""
    writer = Writer(seed, for_dev=for_dev)
    found: dict[str, str] = {}
    reserved = {text.strip(".!").lower() for _, text in written()}
    while len(found) < count:
        good = len(found) % 2 == 0
        review = writer.review(good)
        if review.strip(".!").lower() not in reserved:
            found.setdefault(review, "positive" if good else "negative")
    return [(label, text) for text, label in found.items()]


def contents() -> bytes:
    """The rows of the data file: split, label, text. A sentence without a noun may be in train and dev: the review is
    then left to train."""
    train = generated(_TRAIN, 1, for_dev=False)
    known = {text for _, text in train}
    dev = [row for row in generated(2 * _DEV, 2, for_dev=True) if row[1] not in known]
    balanced = [[row for row in dev if row[0] == label][: _DEV // 2] for label in ("positive", "negative")]
    splits = {"train": train, "dev": [*balanced[0], *balanced[1]], "test": written()}
    rows = (f"{split}\t{label}\t{text}\n" for split, reviews in splits.items() for label, text in reviews)
    return "".join(rows).encode()
