"""Predicates: a verb of the lexicon with the objects and complements that its frame asks for."""

from dataclasses import replace
from functools import cache

from tests.phrasebook.grammar.french_text import contract
from tests.phrasebook.grammar.nominal import Determiner, NounPhrase, concept, noun_phrase
from tests.phrasebook.grammar.numerals import counted
from tests.phrasebook.grammar.predicate import Predicate, Subject, join
from tests.phrasebook.lexicon import Adjective, Noun, Verb, group
from tests.phrasebook.patterns.draw import Draw, adjectives, is_person, owner_of

_COUNTED = group("counted")
_COUNTED_WHEN_DENIED = group("counted_when_denied")
# What one does to things that are not one's own, or not yet.
_NOT_OWN = group("not_own")
# Verbs that sound unfinished without a receiver.
_RECEIVED = frozenset({"give", "lend", "show"})
_WORN = frozenset({"wear", "put * on", "take * off", "try * on"})
PAIRED = group("paired")
_ADJECTIVE_SHARE = 0.25
_QUALITIES = {
    "clothing": frozenset(
        [
            "red",
            "blue",
            "green",
            "yellow",
            "black",
            "white",
            "gray",
            "brown",
            "pink",
            "new",
            "old",
            "beautiful",
            "pretty",
            "elegant",
            "warm",
            "expensive",
        ]
    ),
    "food": frozenset(["good", "delicious", "fresh", "big", "small"]),
    "animal": frozenset(["big", "small", "black", "white", "gray", "young", "old", "beautiful"]),
    "object": frozenset(
        [
            "red",
            "blue",
            "green",
            "yellow",
            "black",
            "white",
            "new",
            "old",
            "small",
            "big",
            "beautiful",
            "pretty",
            "heavy",
        ]
    ),
}
_PLAIN = group("plain")
# Nouns of which one is meant: no these, no two of them.
UNIQUE = group("unique")


def verb_concept(verb: Verb) -> str:
    """The name under which the combinations of `verb` are counted."""
    return f"v:{verb.english}"


@cache
def _qualities(tag: str) -> tuple[Adjective, ...]:
    return tuple(adjective for adjective in adjectives(tag) if adjective.english in _QUALITIES[tag])


def fitting_adjective(draw: Draw, noun: Noun) -> Adjective | None:
    """Sometimes an adjective that suits the noun."""
    if not draw.chance(_ADJECTIVE_SHARE) or noun.mass or " " in noun.french or noun.french in _PLAIN:
        return None
    for tag in _QUALITIES:
        if tag in noun.tags:
            return draw.one(_qualities(tag))
    return None


def _determiner(draw: Draw, noun: Noun, verb: Verb, habitual: bool) -> Determiner:
    if noun.tags & {"language", "school_subject"}:
        return "bare" if verb.english == "speak" else "generic"
    if "generic" in verb.tags:
        return "generic"
    if noun.english in UNIQUE:
        return "definite"
    if noun.mass:
        return "definite" if "definite" in verb.tags or (not habitual and draw.chance(0.25)) else "indefinite"
    if "indefinite" in verb.tags:
        return "indefinite"
    known: tuple[Determiner, ...] = ("definite", "definite", "demonstrative", "possessive")
    if noun.tags & {"event", "nature", "outdoors", "building", "food", "animal", "abstract"}:
        known = ("definite", "definite", "definite", "demonstrative")
    if noun.tags & {"weather", "room"}:
        known = ("definite",)
    if verb.english in _NOT_OWN:
        known = tuple(determiner for determiner in known if determiner != "possessive")
    if habitual:
        known = tuple(determiner for determiner in known if determiner != "demonstrative")
    if "definite" in verb.tags:
        return draw.one(known)
    if habitual:
        return "indefinite"
    indefinite: tuple[Determiner, ...] = ("indefinite", "indefinite", "indefinite")
    return draw.one((*known, *indefinite, "numeral") if verb.english in _COUNTED else (*known, *indefinite))


def _plural(draw: Draw, noun: Noun, verb: Verb, determiner: Determiner, habitual: bool) -> bool:
    if noun.mass or noun.english in UNIQUE or verb.english in ("leave", "drive"):
        return False
    if verb.english == "count":
        return True
    if noun.tags & {"building", "outdoors", "room"} and verb.english not in ("visit", "build", "photograph", "clean"):
        return False
    if verb.english in _WORN or (habitual and verb.english not in _COUNTED and "generic" not in verb.tags):
        return noun.english in PAIRED
    return determiner == "generic" or noun.english in PAIRED or draw.chance(0.22)


def thing_object(
    draw: Draw,
    noun: Noun,
    verb: Verb,
    subject: Subject,
    *,
    some: str = "some",
    negated: bool = False,
    habitual: bool = False,
) -> NounPhrase:
    """A thing as an object: the book, some bread, two blue shirts; after a negation of an indefinite, de."""
    determiner = _determiner(draw, noun, verb, habitual)
    if negated and determiner in ("indefinite", "numeral"):
        plural = not noun.mass and (verb.english in _COUNTED_WHEN_DENIED or noun.english in PAIRED)
        return noun_phrase(noun, "negated", plural=plural, some=some if plural or noun.mass else "a")
    adjective = None if determiner in ("generic", "bare") or habitual else fitting_adjective(draw, noun)
    if determiner == "possessive" and subject.plural and "clothing" in noun.tags:
        determiner = "definite"
    if determiner == "numeral":
        count = counted(draw.number(2, 4 if "dish" in noun.tags else 12), feminine=noun.feminine)
        phrase = noun_phrase(noun, "numeral", plural=True, adjective=adjective, numeral=(count.french, count.english))
        return replace(phrase, concepts=phrase.concepts + count.concepts)
    plural = _plural(draw, noun, verb, determiner, habitual)
    if plural and determiner == "indefinite" and adjective is not None and adjective.before:
        adjective = None
    return noun_phrase(noun, determiner, plural=plural, adjective=adjective, owner=owner_of(subject), some=some)


def noun_object(
    draw: Draw,
    spec: tuple[str, ...],
    verb: Verb,
    subject: Subject,
    *,
    some: str = "some",
    negated: bool = False,
    habitual: bool = False,
) -> NounPhrase:
    """A noun phrase that the frame `spec` of `verb` admits."""
    noun = draw.noun(*spec)
    # Several people wear several coats, of which neither language says that they are theirs: gloves and shoes are safe.
    while verb.english in _WORN and subject.plural and noun.english not in PAIRED:
        noun = draw.noun(*spec)
    while (habitual and noun.english in ("water", "mineral water")) or concept(noun) in subject.concepts:
        noun = draw.noun(*spec)
    if is_person(noun) and not ({"generic", "indefinite"} & verb.tags):
        return draw.someone(f"={noun.french.replace(' ', '_')}", subject=subject)
    return thing_object(draw, noun, verb, subject, some=some, negated=negated, habitual=habitual)


def _complement(draw: Draw, verb: Verb, subject: Subject) -> tuple[str, str, tuple[str, ...]]:
    """The complement led by the verb's preposition: French, English, concepts."""
    assert verb.preposition is not None
    french, english = verb.preposition
    noun = draw.noun(*verb.complements)
    while concept(noun) in subject.concepts:
        noun = draw.noun(*verb.complements)
    if is_person(noun):
        phrase = draw.someone(f"={noun.french.replace(' ', '_')}", subject=subject)
    elif verb.preposition[0] == "de" and "indefinite" in verb.tags:
        # De absorbs the partitive and the plural indefinite: besoin de pain, besoin de clous.
        phrase = noun_phrase(noun, "bare" if noun.mass else "indefinite")
    elif "generic" in verb.tags:
        phrase = noun_phrase(noun, "generic", plural=not noun.mass)
    else:
        owned = verb.english != "play" and noun.tags & {"object", "clothing", "tool", "furniture"} and draw.chance(0.4)
        phrase = noun_phrase(noun, "possessive" if owned else "definite", owner=owner_of(subject))
    # One goes to school, but to the bank.
    place = "school" if (english, phrase.english) == ("to", "the school") else phrase.english
    return contract(french, phrase.french), join(english, place), phrase.concepts


def predicate(
    draw: Draw,
    verb: Verb,
    subject: Subject,
    *,
    some: str = "some",
    negated: bool = False,
    habitual: bool = False,
    bare: float = 0.35,
) -> Predicate:
    """`verb` with complements drawn for its frame; optional ones are left out with probability `bare`.

    `negated` makes indefinite objects de; `some` is their English determiner (any, some or nothing); `habitual` avoids
    this and these.
    """
    concepts: tuple[str, ...] = (verb_concept(verb),)
    some = "" if habitual and not negated else some
    left_out = "optional" in verb.tags and draw.chance(bare)
    french = english = tail = ""
    if verb.objects and not left_out:
        phrase = noun_object(draw, verb.objects, verb, subject, some=some, negated=negated, habitual=habitual)
        french, english, concepts = phrase.french, phrase.english, concepts + phrase.concepts
    if verb.preposition and not left_out and (not verb.objects or verb.english in _RECEIVED or draw.chance(0.6)):
        added, tail, more = _complement(draw, verb, subject)
        french, concepts = join(french, added), concepts + more
    return Predicate(verb, french, english, tail, concepts=concepts)
