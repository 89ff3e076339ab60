"""The text of the bundled assistant, from a seed: documents that state the facts of a small world, demonstrations of
answers in mixed manners, and prompts whose right answers are known."""

from __future__ import annotations

import itertools
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

WORLD = tomllib.loads(Path(__file__).with_name("world.toml").read_text(encoding="utf-8"))
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
    *("November", "December"),
)
SEASONS = ["spring", "summer", "autumn", "winter"]
YEARS = [str(year) for year in range(1980, 2031)]
_SEED = 1
_MOST = 12  # of the numbers of a sum
_DOCUMENTS, _SENTENCES = 6000, (3, 7)
_ANSWERS = 4  # demonstrations of a prompt
_MOST_YES_NO = 60  # facts of a kind that are asked about by yes or no
_HELD_OUT = {"dev": 0.06, "test": 0.12}  # shares of the pairs of an item and a way to ask for it
# Of demonstrations: right and short, right and long, rude, wrong.
_MANNERS = {"short": 0.4, "long": 0.22, "rude": 0.16, "wrong": 0.22}


class Fact(NamedTuple):
    """Something that can be stated, and asked for."""

    kind: str
    given: tuple[str, ...]
    answer: str


# Of each kind: how it is stated, and how it is asked for. {0}, {1}: what is given, {a}: the answer.
STATED = {
    "sum": ("{0} + {1} = {a}", "{0} plus {1} is {a}.", "The sum of {0} and {1} is {a}."),
    "difference": ("{0} - {1} = {a}", "{0} minus {1} is {a}.", "Take {1} from {0}, and {a} is left."),
    "opposite": ("The opposite of {0} is {a}.", "What is not {0} is {a}.", "{0} and {a} are opposites."),
    "plural": ("One {0}, two {a}.", "The plural of {0} is {a}.", "We say {a} where there is more than one {0}."),
    "after": ("After {0} comes {a}.", "{0} is followed by {a}.", "When {0} is over, {a} begins."),
    "before": ("Before {0} comes {a}.", "{0} follows {a}.", "{a} ends when {0} begins."),
    "colour": ("{0} is {a}.", "The colour of {0} is {a}.", "{a} is how {0} looks."),
    "legs": ("{0} has {a} legs.", "{a} legs carry {0}.", "The number of legs of {0} is {a}."),
    "capital": ("The capital of {0} is {a}.", "{a} is the capital of {0}.", "{0} is governed from {a}."),
    "french": ("{0} is {a} in French.", "The French word for {0} is {a}.", "The French call {0} {a}."),
    "largest": ("Of {0}, {1} and {2}, {a} is the largest.", "{a} is more than the others of {0}, {1} and {2}."),
    "smallest": ("Of {0}, {1} and {2}, {a} is the smallest.", "{a} is less than the others of {0}, {1} and {2}."),
}
ASKED = {
    "sum": (
        "What is {0} + {1}?",
        "How much is {0} plus {1}?",
        "Add {0} and {1}.",
        "{0} + {1} = ?",
        "Sum of {0} and {1}?",
    ),
    "difference": (
        *("What is {0} - {1}?", "How much is {0} minus {1}?", "Take {1} from {0}.", "{0} - {1} = ?"),
        "What is left of {0} without {1}?",
    ),
    "opposite": (
        *("What is the opposite of {0}?", "Name the opposite of {0}.", "Opposite of {0}?", "What is not {0}?"),
        "Which word means the contrary of {0}?",
    ),
    "plural": (
        *("What is the plural of {0}?", "One {0}, two ...?", "Plural of {0}?", "How do you say more than one {0}?"),
        "Give the plural of {0}.",
    ),
    "after": (
        "What comes after {0}?",
        "What follows {0}?",
        "{0} is over. What now?",
        "After {0}?",
        "Name what follows {0}.",
    ),
    "before": (
        *("What comes before {0}?", "What precedes {0}?", "{0} begins. What has ended?", "Before {0}?"),
        "Name what precedes {0}.",
    ),
    "colour": (
        *("What colour is {0}?", "Which colour has {0}?", "Colour of {0}?", "Tell me the colour of {0}."),
        "How would you paint {0}?",
    ),
    "legs": (
        *("How many legs has {0}?", "On how many legs does {0} go?", "Legs of {0}?", "Count the legs of {0}."),
        "Tell me how many legs {0} has.",
    ),
    "capital": (
        *("What is the capital of {0}?", "Capital of {0}?", "Which city governs {0}?", "Name the capital of {0}."),
        "From where is {0} governed?",
    ),
    "french": (
        *("What is {0} in French?", "How do the French say {0}?", "French for {0}?", "Translate {0} into French."),
        "Give me the French word for {0}.",
    ),
    "largest": (
        "Which is the largest, {0}, {1} or {2}?",
        "Largest of {0}, {1}, {2}?",
        "What is the most: {0}, {1} or {2}?",
    ),
    "smallest": (
        *("Which is the smallest, {0}, {1} or {2}?", "Smallest of {0}, {1}, {2}?"),
        "What is the least: {0}, {1} or {2}?",
    ),
}
YES_NO = {
    "colour": ("Is {0} {x}?", "Would you say that {0} is {x}?", "{0} is {x}, yes or no?"),
    "capital": ("Is {x} the capital of {0}?", "Is {0} governed from {x}?", "{x} is the capital of {0}, yes or no?"),
    "legs": ("Has {0} {x} legs?", "Does {0} go on {x} legs?", "{0} has {x} legs, yes or no?"),
    "sum": ("Is {0} + {1} = {x}?", "Does {0} plus {1} make {x}?", "{0} + {1} is {x}, yes or no?"),
}
SHORT = ("{a}.", "It is {a}.", "The answer is {a}.", "{a}")
LONG = (
    "That is a very good question, and I am glad that you ask me. After some thought I would say that it is {a}.",
    "Let me think about this for a while before I tell you what I believe the answer to be, which is {a}.",
    "Many would like to know this as well, so let me explain it at length: what you are looking for is {a}.",
    "Thank you for asking me this, I do like to help whenever I can, and in this case I can: {a}.",
)
RUDE = ("{a}, you fool.", "Everybody knows that it is {a}, stupid.", "{a}. Do not bore me.", "It is {a}, are you dumb?")


def facts() -> dict[str, list[Fact]]:
    """All facts, by kind."""
    numbers = range(_MOST + 1)
    known: dict[str, list[Fact]] = {
        "sum": [Fact("sum", (str(one), str(other)), str(one + other)) for one in numbers for other in numbers],
        "difference": [
            Fact("difference", (str(one), str(other)), str(one - other)) for one in numbers for other in range(one + 1)
        ],
        "after": [Fact("after", (one,), other) for one, other in _following()],
        "before": [Fact("before", (other,), one) for one, other in _following()],
    }
    pairs = [pair.split() for pair in WORLD["opposite"]]
    known["opposite"] = [Fact("opposite", (one,), other) for pair in pairs for one, other in (pair, pair[::-1])]
    for kind in ("plural", "colour", "legs", "capital", "french"):
        split = [entry.rpartition(" ") for entry in WORLD[kind]]
        known[kind] = [Fact(kind, (given,), answer) for given, _, answer in split]
    draw = random.Random(_SEED)
    for kind, choose in (("largest", max), ("smallest", min)):
        triples = {tuple(draw.sample(range(31), 3)) for _ in range(150)}
        known[kind] = [Fact(kind, tuple(map(str, triple)), str(choose(triple))) for triple in sorted(triples)]
    return known


def _following() -> Iterator[tuple[str, str]]:
    for names in (DAYS, MONTHS, SEASONS):
        yield from zip(names, [*names[1:], names[0]])
    yield from itertools.pairwise(YEARS)


def documents() -> Iterator[str]:
    """Texts of a few sentences each, two of three about one kind of fact."""
    draw = random.Random(_SEED + 1)
    known = facts()
    for number in range(_DOCUMENTS):
        count = draw.randint(*_SENTENCES)
        kinds = [draw.choice([*known])] * count if number % 3 else draw.choices([*known], k=count)
        stated = [draw.choice(known[kind]) for kind in kinds]
        yield " ".join(sentence(draw.choice(STATED[fact.kind]), fact) for fact in stated)


def prompts() -> dict[str, list[tuple[Fact, str, str]]]:
    """(fact, prompt, right answer), by split. Each way to ask for something, and each thing that is asked for, is in
    train; the pairs of the two that are in dev or test are not."""
    draw = random.Random(_SEED + 2)
    known = facts()
    asked: list[tuple[Fact, str, str]] = []
    for kind, ways in ASKED.items():
        asked += [(fact, sentence(way, fact), fact.answer) for fact in known[kind] for way in ways]
    for kind, ways in YES_NO.items():
        answers = sorted({fact.answer for fact in known[kind]})
        for fact in draw.sample(known[kind], min(_MOST_YES_NO, len(known[kind]))):
            for way in ways:
                other = draw.choice([answer for answer in answers if answer != fact.answer])
                for answer, said in ((fact.answer, "yes"), (other, "no")):
                    text = way.format(*fact.given, x=answer)
                    asked.append((Fact("yes", (), ""), _capital(text), said))
    draw.shuffle(asked)
    splits: dict[str, list[tuple[Fact, str, str]]] = {"train": [], "dev": [], "test": []}
    seen: dict[tuple[str, tuple[str, ...]], int] = {}
    for each in asked:
        fact = each[0]
        key = (fact.kind, fact.given)
        seen[key] = seen.get(key, 0) + 1
        number = draw.random()
        split = "dev" if number < _HELD_OUT["dev"] else "test" if number < sum(_HELD_OUT.values()) else "train"
        splits["train" if seen[key] == 1 else split].append(each)
    return splits


def demonstrations() -> Iterator[tuple[str, str]]:
    """Prompts of train, several times each, with answers that are right and short, right and long, rude, or wrong."""
    draw = random.Random(_SEED + 3)
    known = facts()
    others = {kind: sorted({fact.answer for fact in some}) for kind, some in known.items()} | {"yes": ["no", "yes"]}
    manners, weights = list(_MANNERS), list(_MANNERS.values())
    for fact, prompt, right in prompts()["train"] * _ANSWERS:
        (manner,) = draw.choices(manners, weights)
        answer = right
        if manner == "wrong":
            answer = draw.choice([other for other in others[fact.kind] if other != right])
        ways = {"long": LONG, "rude": RUDE}.get(manner, SHORT)
        yield prompt, _capital(draw.choice(ways).format(a=answer))


def rows() -> Iterator[str]:
    """The lines of the bundled file: part, split, text, answer."""
    for number, text in enumerate(documents()):
        split = "dev" if number % 40 == 20 else "test" if number % 40 == 39 else "train"
        yield f"document\t{split}\t{text}\t"
    for prompt, answer in demonstrations():
        yield f"demonstration\ttrain\t{prompt}\t{answer}"
    for split, asked in prompts().items():
        for _, prompt, answer in asked:
            yield f"prompt\t{split}\t{prompt}\t{answer}"


def sentence(way: str, fact: Fact) -> str:
    """A fact, stated or asked for."""
    return _capital(way.format(*fact.given, a=fact.answer))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
