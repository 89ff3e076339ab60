"""Random choices from the lexicon: nouns that fit a verb, subjects, objects, predicates."""

from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from typing import TypeVar

from tests.phrasebook import lexicon
from tests.phrasebook.grammar.nominal import Determiner, NounPhrase, noun_phrase
from tests.phrasebook.grammar.predicate import Subject
from tests.phrasebook.lexicon import Adjective, Expression, Noun, Verb, group

Choice = TypeVar("Choice")

# Nouns of people that read badly as a subject or an object: the word is also a negation, or the bearer is unclear.
_AVOIDED_PEOPLE = frozenset({"personne", "monsieur", "adulte", "passager", "passagère", "locataire"})
_RELATIONS = frozenset({"friend", "neighbor", "colleague", "boss", "classmate"})
ONE_OF_A_KIND = group("one_of_a_kind")
_PETS = group("pets")
_PEOPLE_TAGS = frozenset({"person", "profession", "family"})

PRONOUNS = (
    Subject("je", "I", 0, 0, False, False, True),
    Subject("je", "I", 0, 0, True, False, True),
    Subject("tu", "you", 1, 1, False, False, True),
    Subject("tu", "you", 1, 1, True, False, True),
    Subject("il", "he", 2, 2, False, False, True),
    Subject("elle", "she", 2, 2, True, False, True),
    Subject("nous", "we", 3, 3, False, True, True),
    Subject("nous", "we", 3, 3, True, True, True),
    Subject("vous", "you", 4, 4, False, False, True),
    Subject("vous", "you", 4, 4, True, False, True),
    Subject("vous", "you", 4, 4, False, True, True),
    Subject("ils", "they", 5, 5, False, True, True),
    Subject("elles", "they", 5, 5, True, True, True),
)
ON = Subject("on", "we", 2, 3, False, True, True)


@cache
def matching(spec: tuple[str, ...]) -> tuple[Noun, ...]:
    """The nouns that `spec` admits: its items are tags, lemmas written =pomme_de_terre, or exceptions, -ascenseur.

    Raises ValueError where an item matches nothing.
    """
    found: dict[Noun, None] = {}
    for item in spec:
        lemma = item[1:].replace("_", " ") if item[0] in "=-" else ""
        nouns = [noun for noun in lexicon.nouns() if (noun.french == lemma if lemma else item in noun.tags)]
        if not nouns:
            raise ValueError(f"no noun of the lexicon matches {item!r}")
        if item.startswith("-"):
            found = {noun: None for noun in found if noun not in nouns}
        else:
            found.update(dict.fromkeys(noun for noun in nouns if noun.french not in _AVOIDED_PEOPLE))
    return tuple(found)


@cache
def adjectives(tag: str) -> tuple[Adjective, ...]:
    """The adjectives with `tag`."""
    return tuple(adjective for adjective in lexicon.adjectives() if tag in adjective.tags)


@cache
def _expressions(table: str, kind: str) -> tuple[Expression, ...]:
    every = {"adverbs": lexicon.adverbs, "places": lexicon.places, "names": lexicon.names}[table]()
    return tuple(entry for entry in every if entry.kind.startswith(kind))


def is_person(noun: Noun) -> bool:
    """Whether he, she, him, her stand for the noun rather than it."""
    return not _PEOPLE_TAGS.isdisjoint(noun.tags)


def as_subject(phrase: NounPhrase) -> Subject:
    """A noun phrase as the subject of a clause."""
    person = 5 if phrase.plural else 2
    return Subject(
        phrase.french, phrase.english, person, person, phrase.feminine, phrase.plural, False, phrase.concepts
    )


def owner_of(subject: Subject) -> str:
    """The key of the possessives that belong to `subject`."""
    key = ("je", "tu", "il", "nous", "vous", "ils")[subject.english_person]
    return "elle" if key == "il" and subject.feminine else key


def pronoun_for(subject: Subject) -> Subject:
    """The personal pronoun that resumes a noun or a name."""
    if subject.plural:
        return PRONOUNS[12] if subject.feminine else PRONOUNS[11]
    return PRONOUNS[5] if subject.feminine else PRONOUNS[4]


class Draw:
    """A stream of choices from one random generator."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def chance(self, share: float) -> bool:
        """True with probability `share`."""
        return self.random.random() < share

    def one(self, options: Sequence[Choice]) -> Choice:
        """One of `options`, each as likely."""
        return options[int(self.random.random() * len(options))]

    def number(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random.random() * (high - low + 1))

    def noun(self, *spec: str) -> Noun:
        """A noun that `spec` admits, as `matching` says."""
        return self.one(matching(spec))

    def adjective(self, tag: str) -> Adjective:
        """An adjective with `tag`."""
        return self.one(adjectives(tag))

    def adverb(self, kind: str) -> Expression:
        """An adverb of `kind`."""
        return self.one(_expressions("adverbs", kind))

    def place(self, kind: str) -> Expression:
        """A city or a country; "country" stands for all three kinds."""
        return self.one(_expressions("places", kind))

    def name(self, gender: str = "") -> Expression:
        """A first name, of `gender` if one is given."""
        return self.one(_expressions("names", gender))

    def pronoun(self, *, on: bool = False) -> Subject:
        """A personal pronoun; `on` admits on, whose participles and adjectives are best avoided."""
        return ON if on and self.chance(0.08) else self.one(PRONOUNS)

    def named(self) -> Subject:
        """A person by name, or two."""
        name = self.name()
        if self.chance(0.8):
            return Subject(name.french, name.english, 2, 2, name.kind == "f", False, False)
        other = self.name()
        while other.french == name.french:
            other = self.name()
        feminine = name.kind == other.kind == "f"
        return Subject(
            f"{name.french} et {other.french}", f"{name.english} and {other.english}", 5, 5, feminine, True, False
        )

    def someone(self, *spec: str, subject: Subject | None = None) -> NounPhrase:
        """A person as speakers mention one: le voisin, ma sœur, nos amis; `subject` is who may own the relation."""
        noun = self.noun(*(spec or ("person", "family")))
        plural = self.chance(0.15) and noun.english not in ONE_OF_A_KIND
        if "family" not in noun.tags and noun.english not in _RELATIONS:
            return noun_phrase(noun, "definite", plural=plural)
        owner = owner_of(subject) if subject and self.chance(0.6) else self.one(("je", "je", "tu", "nous", "vous"))
        if subject is not None and owner != owner_of(subject) and subject.english_person not in (2, 5):
            owner = owner_of(subject)
        if noun.english in ONE_OF_A_KIND and owner in ("nous", "vous", "ils"):
            owner = "je" if subject is None or subject.english_person in (0, 2, 5) else owner
        return noun_phrase(noun, "possessive", plural=plural, owner=owner)

    def subject(self, *spec: str, on: bool = False) -> Subject:
        """A subject that `spec` admits: for persons a pronoun, a name or a noun; a noun otherwise."""
        if not spec or ("person" in spec and self.chance(0.93 if len(spec) > 1 else 1)):
            kind = self.random.random()
            return self.pronoun(on=on) if kind < 0.68 else self.named() if kind < 0.85 else as_subject(self.someone())
        noun = self.noun(*(tag for tag in spec if tag != "person"))
        if is_person(noun):
            return as_subject(self.someone(f"={noun.french.replace(' ', '_')}"))
        return as_subject(self.thing(noun, plural=self.chance(0.2)))

    def thing(self, noun: Noun, *, plural: bool = False, adjective: Adjective | None = None) -> NounPhrase:
        """A known thing: le livre, ce livre, mon livre."""
        kinds: tuple[Determiner, ...] = ("definite", "definite", "definite", "demonstrative", "possessive")
        kind = self.one(kinds)
        if noun.tags & {"weather", "nature", "building", "event", "room", "outdoors", "furniture"}:
            kind = "definite"
        if "animal" in noun.tags and noun.english not in _PETS and kind == "possessive":
            kind = "demonstrative"
        owner = self.one(("je", "tu", "nous", "vous"))
        return noun_phrase(noun, kind, plural=plural and not noun.mass, adjective=adjective, owner=owner)

    def verb(self, criterion: Callable[[Verb], bool]) -> Verb:
        """A verb row that `criterion` admits; it must be a named function, whose choices are remembered."""
        return self.one(_admitted(criterion))


@cache
def _admitted(criterion: Callable[[Verb], bool]) -> tuple[Verb, ...]:
    return tuple(verb for verb in lexicon.verbs() if criterion(verb))
