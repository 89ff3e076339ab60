"""Ages, prices and numbers."""

from tests.phrasebook.grammar.english_clause import english_clause
from tests.phrasebook.grammar.french_clause import french_clause
from tests.phrasebook.grammar.nominal import Determiner, noun_phrase
from tests.phrasebook.grammar.numerals import (
    counted,
    english_number,
    french_number,
    number_concepts,
)
from tests.phrasebook.grammar.predicate import Predicate
from tests.phrasebook.lexicon import Verb
from tests.phrasebook.patterns.draw import Draw, as_subject
from tests.phrasebook.patterns.sentence import Form, Sentence, clause, sentence
from tests.phrasebook.patterns.statements import finished

_COST = Verb("coûter", "cost", past="cost")
_AGED = Verb("avoir", "be")


def age(draw: Draw) -> Sentence:
    """Ma fille a douze ans."""
    subject = draw.subject()
    value = draw.number(2, 99)
    number = counted(value, feminine=False)
    said = Predicate(
        _AGED, f"{number.french} ans", english_tail=f"{number.english} years old", concepts=("m:age", *number.concepts)
    )
    tense = draw.one(("présent", "présent", "présent", "imparfait", "futur"))
    form: Form = (
        "statement"
        if subject.english_person in (0, 3) or draw.chance(0.8)
        else draw.one(("intonation", "est-ce que", "inversion"))
    )
    negation = "pas" if (form, tense) == ("statement", "présent") and draw.chance(0.15) else ""
    return finished(clause(subject, said, tense, form=form, negation=negation), "." if form == "statement" else "?")


def how_old(draw: Draw) -> Sentence:
    """Quel âge a ta sœur ?"""
    subject = draw.subject()
    while subject.english_person in (0, 3):
        subject = draw.subject()
    asked = english_clause(subject, Predicate(_AGED), "present", question=True)
    concepts = (*subject.concepts, "m:age")
    if subject.bare:
        french = french_clause(subject, Predicate(_AGED), "présent", inversion=True)
        return sentence(f"quel âge {french}", f"how old {asked}", "?", concepts=concepts)
    return sentence(
        f"quel âge {'ont' if subject.plural else 'a'} {subject.french}", f"how old {asked}", "?", concepts=concepts
    )


_PRICES = (
    (("dish", "=billet", "=livre", "=journal", "=magazine", "=bouquet", "=jouet"), 3, 40, 1),
    (("clothing", "object"), 5, 99, 1),
    (("clothing", "furniture"), 20, 60, 5),
    (("device", "furniture"), 10, 90, 10),
    (("=voiture", "=moto", "=bateau", "=camion", "=piano"), 20, 300, 100),
)


def price(draw: Draw) -> Sentence:
    """Ce manteau coûte cent vingt euros."""
    kind, low, high, step = draw.one(_PRICES)
    noun = draw.noun(*kind)
    thing = noun_phrase(noun, draw.one(("definite", "demonstrative")), plural=draw.chance(0.2))
    value = step * draw.number(low, high)
    number = counted(value, feminine=False)
    digits = value < 1000 and draw.chance(0.4)
    amount = (f"{value} euros", f"{value} euros") if digits else (f"{number.french} euros", f"{number.english} euros")
    said = Predicate(_COST, amount[0], english_tail=amount[1], concepts=("v:cost", *number.concepts))
    return finished(clause(as_subject(thing), said, draw.one(("présent", "présent", "imparfait"))))


def how_much(draw: Draw) -> Sentence:
    """Combien coûte cette robe ?"""
    noun = draw.noun("clothing", "object", "furniture", "device", "food", "dish", "=vélo", "=voiture", "=moto")
    plural = "food" in noun.tags or draw.chance(0.25)
    kinds: tuple[Determiner, ...] = ("definite", "demonstrative", "demonstrative" if " " in noun.french else "distant")
    determiner = draw.one(kinds)
    thing = noun_phrase(noun, determiner, plural=plural)
    ending, do = ("ent", "do") if plural else ("e", "does")
    return sentence(
        f"combien coût{ending} {thing.french}",
        f"how much {do} {thing.english} cost",
        "?",
        concepts=(*thing.concepts, "q:how much"),
    )


def number_alone(draw: Draw) -> Sentence:
    """Deux cent trente-quatre."""
    value = draw.one(
        (draw.number(21, 999), draw.number(100, 9999), draw.number(1000, 999999), 1000 * draw.number(2, 999))
    )
    return sentence(french_number(value), english_number(value), concepts=number_concepts(value))


def sum_of(draw: Draw) -> Sentence:
    """Deux et trois font cinq."""
    first, second = draw.number(2, 60), draw.number(2, 60)
    total = first + second
    return sentence(
        f"{french_number(first)} plus {french_number(second)} font {french_number(total)}",
        f"{english_number(first)} plus {english_number(second)} equals {english_number(total)}",
        concepts=(f"number:{first}", f"plus:{second}"),
    )


_POPULATED = (
    ("élèves", "students", "l'école", "the school"),
    ("habitants", "inhabitants", "ce village", "this village"),
    ("habitants", "inhabitants", "cette ville", "this city"),
    ("livres", "books", "la bibliothèque", "the library"),
    ("chambres", "rooms", "cet hôtel", "this hotel"),
    ("places", "seats", "le stade", "the stadium"),
    ("tableaux", "paintings", "le musée", "the museum"),
    ("arbres", "trees", "ce parc", "this park"),
)


def population(draw: Draw) -> Sentence:
    """Il y a trois cents livres dans la bibliothèque."""
    things, english_things, place, english_place = draw.one(_POPULATED)
    value = draw.one((draw.number(50, 999), 100 * draw.number(11, 99), 1000 * draw.number(2, 900)))
    if value > 90_000 and "ville" not in place:
        value = draw.number(100, 5000)
    digits = value < 1000 and draw.chance(0.5)
    said = (str(value), str(value)) if digits else (french_number(value), english_number(value))
    lead = draw.one((("il y a", "there are"), ("il y avait", "there were")))
    return sentence(
        f"{lead[0]} {said[0]} {things} dans {place}",
        f"{lead[1]} {said[1]} {english_things} in {english_place}",
        concepts=(f"n:{english_things}", f"n:{english_place}", *number_concepts(value)),
    )
