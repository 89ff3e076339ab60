"""What things and people are: adjectives, professions, nationalities."""

from dataclasses import replace
from functools import cache

from tests.phrasebook.grammar.english_text import a_or_an
from tests.phrasebook.grammar.nominal import adjective_form, noun_phrase
from tests.phrasebook.grammar.predicate import Predicate, Subject, join
from tests.phrasebook.lexicon import Adjective, Noun, Verb, group
from tests.phrasebook.patterns.draw import Draw, adjectives, as_subject
from tests.phrasebook.patterns.sentence import Form, Sentence, clause, sentence
from tests.phrasebook.patterns.statements import finished

BE = Verb("être", "be")
TAGS_OF_THINGS = ("object", "clothing", "food", "place", "event", "abstract")
KINDS = {
    "object": ("object", "furniture", "vehicle", "device", "-métro", "-tramway"),
    "clothing": ("clothing",),
    "food": ("dish", "food", "food_mass"),
    "place": (
        "building",
        "=plage",
        "=village",
        "=ville",
        "=parc",
        "=jardin",
        "=rue",
        "=quartier",
        "=place",
        "=île",
        "room",
    ),
    "event": ("event",),
    "abstract": ("=idée", "=réponse", "=solution", "=projet", "=décision", "=exercice", "=leçon"),
    "animal": ("animal",),
    "drink": ("drink_mass",),
}
# Adjectives that only few nouns of their kind can have.
_PARTICULAR = group("particular")


def fitting(draw: Draw, tag: str) -> Adjective:
    """An adjective that any noun of its kind can have."""
    adjective = draw.adjective(tag)
    while adjective.english in _PARTICULAR:
        adjective = draw.adjective(tag)
    return adjective


# Adjectives already of the highest degree, and those of which there can be too much.
EXTREME = group("extreme")
_EXCESSIVE = group("excessive")


def qualified(draw: Draw, subject: Subject, adjective: Adjective) -> Predicate:
    """To be what the adjective says, sometimes very or too much so."""
    said = is_adjective(subject, adjective)
    if "no_degree" in adjective.tags or adjective.english in EXTREME or not draw.chance(0.4):
        return said
    degrees = (("très", "very"), ("assez", "quite"), ("vraiment", "really"), ("trop", "too"), ("un peu", "a little"))
    french, english = draw.one(degrees if adjective.english in _EXCESSIVE else degrees[:3])
    return replace(said, french_tail=join(french, said.french_tail), english_tail=join(english, said.english_tail))


def is_adjective(subject: Subject, adjective: Adjective) -> Predicate:
    """To be what the adjective says, agreeing with the subject."""
    form = adjective_form(adjective, subject.feminine, subject.plural)
    return Predicate(BE, form, english_tail=adjective.english, concepts=(f"a:{adjective.english}",))


def feeling(draw: Draw) -> Sentence:
    """Elle est fatiguée."""
    subject = draw.subject()
    tense = draw.one(("présent", "présent", "présent", "imparfait", "futur"))
    negation = "pas" if draw.chance(0.25) else ""
    return finished(clause(subject, is_adjective(subject, draw.adjective("state")), tense, negation=negation))


def _persons_adjective(draw: Draw) -> Adjective:
    adjective = draw.adjective("person")
    while "nationality" in adjective.tags or adjective.english in (
        "terrible",
        "strange",
        "weird",
        "good",
        "vegetarian",
    ):
        adjective = draw.adjective("person")
    return adjective


def character(draw: Draw) -> Sentence:
    """Mon voisin n'est pas très bavard."""
    subject = draw.subject()
    adjective = _persons_adjective(draw)
    said = qualified(draw, subject, adjective)
    negation = "pas" if draw.chance(0.2) and not said.french_tail.startswith(("un peu", "assez")) else ""
    return finished(clause(subject, said, "présent", negation=negation))


def are_you(draw: Draw) -> Sentence:
    """Es-tu prête ?"""
    subject = draw.subject()
    while subject.english_person in (0, 3):
        subject = draw.subject()
    adjective = draw.adjective("state") if draw.chance(0.7) else _persons_adjective(draw)
    form: Form = draw.one(("intonation", "est-ce que", "inversion"))
    tense = draw.one(("présent", "présent", "imparfait"))
    return finished(clause(subject, is_adjective(subject, adjective), tense, form=form), "?")


def thing_is(draw: Draw) -> Sentence:
    """Cette robe est trop chère."""
    tag = draw.one(TAGS_OF_THINGS)
    subject = as_subject(draw.thing(draw.noun(*KINDS[tag]), plural=draw.chance(0.25)))
    adjective = fitting(draw, tag)
    said = qualified(draw, subject, adjective)
    tense = draw.one(("présent", "présent", "présent", "imparfait"))
    negation = "pas" if draw.chance(0.15) and not said.french_tail.startswith(("un peu", "assez")) else ""
    form: Form = draw.one(("statement", "statement", "statement", "intonation", "est-ce que", "inversion"))
    return finished(
        clause(subject, said, tense, form=form, negation=negation if form == "statement" else ""),
        "." if form == "statement" else "?",
    )


_FOR_WOMEN = group("for_women")


def _profession(draw: Draw, feminine: bool) -> Noun:
    noun = draw.noun("profession")
    while noun.feminine != feminine and not (feminine and noun.french in _FOR_WOMEN):
        noun = draw.noun("profession")
    return noun


def profession(draw: Draw) -> Sentence:
    """Elle est boulangère."""
    subject = draw.subject()
    noun = _profession(draw, subject.feminine)
    french = noun.french_plural if subject.plural else noun.french
    english = noun.english_plural if subject.plural else f"{a_or_an(noun.english)} {noun.english}"
    while noun.english in subject.english:
        return profession(draw)
    said = Predicate(BE, french, english_tail=english, concepts=("v:be", f"n:{noun.english}"))
    tense = draw.one(("présent", "présent", "imparfait"))
    form: Form = (
        "statement"
        if subject.english_person in (0, 3) or draw.chance(0.75)
        else draw.one(("intonation", "est-ce que", "inversion"))
    )
    negation = "pas" if form == "statement" and draw.chance(0.2) else ""
    return finished(clause(subject, said, tense, negation=negation, form=form), "." if form == "statement" else "?")


def becoming(draw: Draw) -> Sentence:
    """Mon frère veut devenir pompier."""
    subject = draw.subject()
    noun = _profession(draw, subject.feminine)
    while noun.english in subject.english:
        subject = draw.subject()
        noun = _profession(draw, subject.feminine)
    french = noun.french_plural if subject.plural else noun.french
    english = noun.english_plural if subject.plural else f"{a_or_an(noun.english)} {noun.english}"
    wanting, tense, wanted = draw.one(
        (("vouloir", "présent", "want to"), ("aimer", "conditionnel", "like to"), ("rêver de", "présent", "dream of"))
    )
    governor = Verb(wanting.split(" ")[0], wanted.split(" ")[0])
    particle = wanted.split(" ")[1]
    said = Predicate(
        governor,
        join("de" if " " in wanting else "", "devenir", french),
        english_tail=f"{particle} {'becoming' if particle == 'of' else 'become'} {english}",
        concepts=(f"v:{wanted} become", f"n:{noun.english}"),
    )
    return finished(clause(subject, said, tense))


_ADMIRED = group("admired")


@cache
def _professional() -> tuple[Adjective, ...]:
    personal = [adjective for adjective in adjectives("person") if adjective.english in _ADMIRED]
    return (
        *personal,
        *(adjective for adjective in adjectives("food") if adjective.english in ("good", "bad", "excellent")),
    )


def good_at_work(draw: Draw) -> Sentence:
    """C'est un bon boulanger."""
    noun = draw.noun("profession")
    while noun.french in _FOR_WOMEN:
        noun = draw.noun("profession")
    adjective = draw.one(_professional())
    phrase = noun_phrase(noun, "indefinite", adjective=adjective)
    french, english = draw.one((("c'est", "is"), ("ce n'est pas", "isn't"), ("c'était", "was")))
    he = "she" if noun.feminine else "he"
    spoken = f"{he}'s" if english == "is" else f"{he} {english}"
    return sentence(f"{french} {phrase.french}", f"{spoken} {phrase.english}", concepts=phrase.concepts)


def nationality(draw: Draw) -> Sentence:
    """Êtes-vous espagnole ?"""
    subject = draw.subject()
    adjective = draw.adjective("nationality")
    form: Form = (
        "statement"
        if subject.english_person in (0, 3) or draw.chance(0.6)
        else draw.one(("intonation", "est-ce que", "inversion"))
    )
    negation = "pas" if form == "statement" and draw.chance(0.25) else ""
    return finished(
        clause(subject, is_adjective(subject, adjective), "présent", negation=negation, form=form),
        "." if form == "statement" else "?",
    )


def foreigner(draw: Draw) -> Sentence:
    """Le peintre italien dort."""
    noun = draw.noun("person", "profession")
    while noun.french in ("bébé", "roi", "reine", "patient", "patiente", "personne", "camarade de classe", "héros"):
        noun = draw.noun("person", "profession")
    phrase = noun_phrase(
        noun, draw.one(("definite", "demonstrative")), plural=draw.chance(0.2), adjective=draw.adjective("nationality")
    )
    subject = as_subject(phrase)
    adjective = _persons_adjective(draw)
    return finished(clause(subject, is_adjective(subject, adjective), draw.one(("présent", "imparfait"))))
