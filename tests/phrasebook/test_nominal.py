"""Noun phrases: determiners, owners, adjectives."""

import pytest

from tests.phrasebook import lexicon
from tests.phrasebook.grammar.english_text import (
    a_or_an,
    comparative,
    genitive,
    regular_gerund,
    superlative,
    third_person,
)
from tests.phrasebook.grammar.french_text import elide
from tests.phrasebook.grammar.nominal import Determiner, adjective_form, noun_phrase
from tests.phrasebook.lexicon import Adjective, Noun


def noun(french: str) -> Noun:
    return next(noun for noun in lexicon.nouns() if noun.french == french)


def adjective(masculine: str) -> Adjective:
    return next(adjective for adjective in lexicon.adjectives() if adjective.masculine == masculine)


@pytest.mark.parametrize(
    ("french_noun", "determiner", "plural", "french", "english"),
    [
        ("pain", "indefinite", False, "du pain", "some bread"),
        ("eau", "indefinite", False, "de l'eau", "some water"),
        ("viande", "indefinite", False, "de la viande", "some meat"),
        ("pain", "negated", False, "de pain", "any bread"),
        ("pomme", "indefinite", True, "des pommes", "some apples"),
        ("pomme", "negated", True, "de pommes", "any apples"),
        ("orange", "negated", True, "d'oranges", "any oranges"),
        ("pomme", "indefinite", False, "une pomme", "an apple"),
        ("pomme", "generic", True, "les pommes", "apples"),
        ("héros", "definite", False, "le héros", "the hero"),
        ("ami", "demonstrative", False, "cet ami", "this friend"),
        ("héros", "demonstrative", False, "ce héros", "this hero"),
        ("école", "demonstrative", False, "cette école", "this school"),
        ("livre", "distant", False, "ce livre-là", "that book"),
        ("enfant", "definite", True, "les enfants", "the children"),
        ("cheval", "definite", True, "les chevaux", "the horses"),
        ("amie", "possessive", False, "mon amie", "my friend"),
        ("sœur", "possessive", False, "ma sœur", "my sister"),
        ("clé", "possessive", True, "mes clés", "my keys"),
    ],
)
def test_determiners(french_noun: str, determiner: Determiner, plural: bool, french: str, english: str) -> None:
    some = "any" if determiner == "negated" else "some"
    phrase = noun_phrase(noun(french_noun), determiner, plural=plural, some=some)
    assert (elide(phrase.french), phrase.english) == (french, english)


@pytest.mark.parametrize(
    ("owner", "french", "english"),
    [
        ("il", "son", "his"),
        ("elle", "son", "her"),
        ("nous", "notre", "our"),
        ("vous", "votre", "your"),
        ("ils", "leur", "their"),
    ],
)
def test_owners(owner: str, french: str, english: str) -> None:
    phrase = noun_phrase(noun("livre"), "possessive", owner=owner)
    assert (phrase.french, phrase.english) == (f"{french} livre", f"{english} book")


@pytest.mark.parametrize(
    ("french_noun", "masculine", "plural", "french"),
    [
        ("arbre", "beau", False, "un bel arbre"),
        ("chat", "beau", False, "un beau chat"),
        ("maison", "beau", False, "une belle maison"),
        ("ordinateur", "nouveau", False, "un nouvel ordinateur"),
        ("ami", "vieux", False, "un vieil ami"),
        ("héros", "vieux", False, "un vieux héros"),
        ("robe", "blanc", False, "une robe blanche"),
        ("robe", "blanc", True, "des robes blanches"),
        ("cheval", "noir", True, "des chevaux noirs"),
        ("maison", "beau", True, "de belles maisons"),
    ],
)
def test_adjectives_agree_and_stand_on_their_side(french_noun: str, masculine: str, plural: bool, french: str) -> None:
    assert noun_phrase(noun(french_noun), "indefinite", plural=plural, adjective=adjective(masculine)).french == french


def test_forms_of_an_adjective() -> None:
    forms = [
        adjective_form(adjective("nouveau"), feminine, plural) for feminine in (False, True) for plural in (False, True)
    ]
    assert forms == ["nouveau", "nouveaux", "nouvelle", "nouvelles"]


def test_english_words() -> None:
    words = ("apple", "uniform", "hour", "umbrella", "university", "eggplant", "honest man")
    assert [a_or_an(word) for word in words] == ["an", "a", "an", "an", "a", "an", "an"]
    assert [comparative(word) for word in ("big", "happy", "good", "expensive", "nice", "bad")] == [
        "bigger",
        "happier",
        "better",
        "more expensive",
        "nicer",
        "worse",
    ]
    assert [superlative(word) for word in ("old", "good", "boring", "funny")] == [
        "oldest",
        "best",
        "most boring",
        "funniest",
    ]
    assert [third_person(word) for word in ("go", "watch", "study", "play", "have", "look for")] == [
        "goes",
        "watches",
        "studies",
        "plays",
        "has",
        "looks for",
    ]
    assert [regular_gerund(word) for word in ("make", "lie", "see", "work", "wait for")] == [
        "making",
        "lying",
        "seeing",
        "working",
        "waiting for",
    ]
    assert [genitive(owner) for owner in ("Paul", "Thomas", "the neighbors", "my boss", "the children")] == [
        "Paul's",
        "Thomas's",
        "the neighbors'",
        "my boss's",
        "the children's",
    ]
