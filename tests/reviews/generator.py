"""Reviews from templates. A review consists of clauses; a clause is an opinion on a noun, plain or turned round by a
negation. A noun and a word of opinion are a combination: one in eight is held out for dev."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

_HERE = Path(__file__).parent
_TRAIN, _DEV = 24_000, 1000
_HELD_OUT = 8  # one combination in so many
_TOPICS = ("film", "food", "place")
_STRENGTHS = ("", "", "", "", "really ", "so ", "very ", "quite ", "truly ", "simply ", "absolutely ", "just ")


class Noun(NamedTuple):
    """What an opinion is about."""

    name: str
    topic: str
    plural: bool


@cache
def lexicon() -> dict[str, list[str]]:
    """Phrases by what they are."""
    lines = (_HERE / "lexicon.txt").read_text(encoding="utf-8").splitlines()
    found: dict[str, list[str]] = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, phrases = line.split(":", 1)
            found.setdefault(name, []).extend(phrase.strip() for phrase in phrases.split(","))
    return {name: list(dict.fromkeys(phrases)) for name, phrases in found.items()}


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
    """Writes reviews whose combinations are all held out, or none. A method writes a clause that is good or bad."""

    def __init__(self, seed: int, *, for_dev: bool) -> None:
        self._draw = random.Random(seed)
        self._for_dev = for_dev

    def review(self, good: bool) -> str:
        """A review whose verdict is good or bad."""
        shapes: list[tuple[int, Callable[[bool, str], str]]] = [
            (5, self._clause),
            (4, self._two),
            (5, self._contrast),
            (2, self._sentence),
            (1, self._expected),
        ]
        topic = self._draw.choice(_TOPICS)
        shape = self._draw.choices([each for _, each in shapes], [weight for weight, _ in shapes])[0]
        text = shape(good, topic).strip()
        mark = self._draw.choices((".", "!", "", "..."), (12, 3, 2, 1))[0]
        return text[0].upper() + text[1:] + mark

    def _noun(self, topic: str, *, plural: bool = True) -> Noun:
        return self._draw.choice([noun for noun in nouns() if noun.topic == topic and plural >= noun.plural])

    def _opinion(self, good: bool, noun: Noun, *, adjective: bool = False) -> str:
        """A word of opinion on a noun that fits the split; an `adjective` can stand before a noun."""
        sign = "+" if good else "-"
        words = [*lexicon()[f"{sign}{noun.topic}"], *lexicon()[f"{sign}any"]]
        if adjective:
            words = [word for word in words if " " not in word]
        for word in self._draw.sample(words, len(words)):
            if held_out(noun.name, word) == self._for_dev:
                return word
        return words[0]

    def _clause(self, good: bool, topic: str) -> str:
        return self._draw.choices(
            (self._plain, self._negated, self._what_a, self._liked, self._did, self._superlative, self._sentence),
            (6, 6, 2, 2, 3, 2, 3),
        )[0](good, topic)

    def _sentence(self, good: bool, topic: str) -> str:
        sign = "+" if good else "-"
        if self._draw.random() < 0.25:
            thing, noun = self._draw.choice(lexicon()[f"{sign}things"]), self._noun(topic)
            adjective = self._opinion(good, noun, adjective=True)
            other = self._draw.choice(lexicon()[f"{'-' if good else '+'}things"])
            forms = (
                f"it is {_a(thing)}",
                f"{_a(adjective)} {thing}",
                f"{_a(thing)} of {_a(noun.name)}",
                f"it is not {_a(other)}, it is {_a(thing)}",
                f"this is no {other}",
            )
            return self._draw.choice(forms[: 4 if noun.plural else 5])
        return self._draw.choice(lexicon()[f"{sign}sentences"])

    def _plain(self, good: bool, topic: str) -> str:
        noun = self._noun(topic)
        word = self._opinion(good, noun)
        second = self._opinion(good, noun)
        subject = self._draw.choice(("the", "the", "the", "their" if topic != "film" else "its", "our")) + " "
        verb = _be(noun, past=self._draw.random() < 0.5)
        forms = (
            f"{subject}{noun.name} {verb} {self._strength(word)}{word}",
            f"{subject}{noun.name} {verb} {word} and {second}",
            f"I found the {noun.name} {self._strength(word)}{word}",
            f"{word} {noun.name}",
            f"even the {noun.name} {verb} {word}",
            f"everything about the {noun.name} is {word}",
            f"it is {word}, {second} and {self._opinion(good, noun)}",
        )
        return self._draw.choice(forms)

    def _negated(self, good: bool, topic: str) -> str:
        noun = self._noun(topic)
        other, second = self._opinion(not good, noun), self._opinion(not good, noun)
        own = self._opinion(good, noun, adjective=True)
        other_adjective = self._opinion(not good, noun, adjective=True)
        verb, past = _be(noun, past=False), _be(noun, past=True)
        forms = (
            f"the {noun.name} {verb} not {other}",
            f"the {noun.name} {past} not {other} at all",
            f"the {noun.name} {verb}n't {other}",
            f"the {noun.name} {verb} neither {other} nor {second}",
            f"the {noun.name} {verb} never {other}",
            f"the {noun.name} {past} anything but {other}",
            f"the {noun.name} {verb} far from {other_adjective}",
            f"the {noun.name} {past} hardly {other_adjective}",
            f"not {other_adjective}, not {second}",
            f"nothing about the {noun.name} is {other}",
            f"there is nothing {other_adjective} about the {noun.name}",
            f"nobody can call the {noun.name} {other}",
            f"I never found the {noun.name} {other}",
            f"I don't think that the {noun.name} {verb} {other}",
            f"without being {other_adjective}, the {noun.name} {verb} {own}",
            f"the {noun.name} could not be more {own}",
            f"not {_a(other_adjective)} {noun.name}" if not noun.plural else f"no {other_adjective} {noun.name}",
            f"the {noun.name} did not {self._bare(not good)}",
        )
        return self._draw.choice(forms)

    def _bare(self, good: bool) -> str:
        """What something did, after `did not`."""
        return self._draw.choice(
            (
                "make me laugh",
                "win me over",
                "surprise me",
                "impress us",
                "touch me",
                "hold my attention",
                "convince me",
            )
            if good
            else ("disappoint us", "bore me", "let us down", "annoy me", "make us wait", "drag", "ruin anything")
        )

    def _what_a(self, good: bool, topic: str) -> str:
        noun = self._noun(topic)
        adjective = self._opinion(good, noun, adjective=True)
        named = f"{adjective} {noun.name}" if noun.plural else f"{_a(adjective)} {noun.name}"
        second = self._opinion(good, noun)
        return self._draw.choice(
            (
                f"what {named}",
                named,
                f"{named}, {second}",
                f"{named} and {second}",
                f"this is {named}",
                f"we had {named}",
            )
        )

    def _liked(self, good: bool, topic: str) -> str:
        noun = self._noun(topic)
        sign = "+" if good else "-"
        verb = self._draw.choice(lexicon()[f"{sign}verbs"])
        who = self._draw.choice(("I", "I", "we"))
        other = ("hate", "dislike", "regret", "mind") if good else ("like", "enjoy", "love", "care for")
        forms = (
            f"{who} {verb} the {noun.name}",
            f"{who} {verb} every minute of the {noun.name}"
            if topic == "film"
            else f"{who} really {verb} the {noun.name}",
            f"{who} did not {self._draw.choice(other)} the {noun.name}",
            f"you will {'love' if good else 'hate'} the {noun.name}",
        )
        return self._draw.choice(forms)

    def _did(self, good: bool, topic: str) -> str:
        noun = self._noun(topic, plural=False)
        done = self._draw.choice(lexicon()[f"{'+' if good else '-'}did"])
        return self._draw.choice((f"the {noun.name} {done}", f"the {noun.name} {done}", f"it {done}"))

    def _superlative(self, good: bool, topic: str) -> str:
        noun = self._noun(topic)
        best, better, less = ("best", "better", "less") if good else ("worst", "worse", "more")
        adjective = self._opinion(True, noun, adjective=True)
        seen = {"film": "seen", "food": "eaten", "place": "been to"}[topic]
        where = {"film": "this year", "food": "in town", "place": "in the city"}[topic]
        never = f"I have never {seen} a more {self._opinion(good, noun, adjective=True)} {noun.name}"
        than = ("I expected", "before", "ever")
        forms = (
            f"the {best} {noun.name} {where}",
            f"the {best} {noun.name} that I have ever {seen}",
            f"the {noun.name} {_be(noun, past=False)} {better} than {self._draw.choice(than)}",
            f"there is no {'better' if good else 'worse'} {noun.name} {where}",
            never if not noun.plural else f"the {best} {noun.name} of all",
            f"the {noun.name} could {'not be better' if good else 'not be worse'}",
            f"the {noun.name} could {'hardly be' if good else 'have been'} more {adjective}",
            f"the {noun.name} {_be(noun, past=True)} {less} {self._opinion(False, noun, adjective=True)} than I feared",
        )
        return self._draw.choice(forms)

    def _two(self, good: bool, topic: str) -> str:
        one, other = self._clause(good, topic), self._clause(good, self._draw.choice((topic, topic, *_TOPICS[1:])))
        join = self._draw.choice((" and ", ". ", ", ", "; ", ", and "))
        text = one + join + (other[0].upper() + other[1:] if join == ". " else other)
        if self._draw.random() < 0.25:
            text += f", {self._clause(good, topic)}"
        return text

    def _contrast(self, good: bool, topic: str) -> str:
        noun = self._noun(topic)
        against, own = self._clause(not good, topic), self._clause(good, topic)
        adjective = self._opinion(not good, noun, adjective=True)
        other = self._noun(topic)
        word = self._opinion(not good, other)
        forms = [
            f"{against}, but {own}",
            f"{against} but {own}",
            f"{against}, yet {own}",
            f"{against}. Still, {own}",
            f"{against}; however, {own}",
            f"although {against}, {own}",
            f"even though {against}, {own}",
            f"despite the {adjective} {noun.name}, {own}",
            f"in spite of the {adjective} {noun.name} {own}",
            f"the {other.name} {_be(other, past=False)} {word}, the {noun.name} {_be(noun, past=False)} not",
            f"the {noun.name} {_be(noun, past=True)} {adjective}, but {own}, and {self._clause(good, topic)}",
        ]
        if not good:
            mixed, bad = self._clause(True, topic), self._opinion(False, other)
            forms += [
                f"the {noun.name} used to be {adjective}, but now {own}",
                f"the {noun.name} should have been {adjective}",
                f"the {noun.name} could have been {adjective}, but {own}",
                f"not even the {adjective} {noun.name} can save it",
                f"the {adjective} {noun.name} {_be(noun, past=False)} the only good thing",
                f"{mixed}, which does not help when the {other.name} {_be(other, past=False)} {bad}",
            ]
        else:
            forms += [
                f"the {adjective} {noun.name} did not bother us, {own}",
                f"the {noun.name} could have been {adjective}, but {own}",
                f"my only complaint is the {adjective} {noun.name}",
                f"{own}, so who cares about the {adjective} {noun.name}",
            ]
        return self._draw.choice(forms)

    def _expected(self, good: bool, topic: str) -> str:
        noun = self._noun(topic)
        other, own = (self._opinion(each, noun, adjective=True) for each in (not good, good))
        first, second = (noun.name, noun.name) if noun.plural else (_a(f"{other} {noun.name}"), _a(f"{own} one"))
        thing = self._draw.choice(lexicon()[f"{'+' if good else '-'}things"])
        against = "low expectations" if good else "high hopes"
        left = ("delighted", "happy", "smiling") if good else ("disappointed", "angry", "sad")
        forms = [
            f"I expected something {other} and got something {own}",
            f"I expected {first}, but it was {own}"
            if not noun.plural
            else f"I expected {other} {noun.name}, not {own} ones",
            f"I had {against} and left {self._draw.choice(left)}",
            f"I wanted to {'hate' if good else 'love'} it, but {self._clause(good, topic)}",
            f"I expected {other} {noun.name} and got {_a(thing)}"
            if noun.plural
            else f"I expected {first} and got {_a(thing)}",
            f"people said that it is {other}, and it is {own}",
        ]
        return self._draw.choice(forms + ([f"I wanted {first} and got {second}"] if not noun.plural else []))

    def _strength(self, word: str) -> str:
        return "" if word.startswith(("a ", "an ", "too ", "far ", "not ")) else self._draw.choice(_STRENGTHS)


def _a(words: str) -> str:
    """Words with their indefinite article."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _be(noun: Noun, *, past: bool) -> str:
    return ("were" if noun.plural else "was") if past else ("are" if noun.plural else "is")


def written() -> list[tuple[str, str]]:
    """The hand-written reviews: (label, text)."""
    lines = (_HERE / "written.tsv").read_text(encoding="utf-8").splitlines()
    return [(label, text) for label, text in (line.split("\t") for line in lines)]


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
