"""Relative clauses: qui, que, où; and c'est ... qui."""

from tests.phrasebook.grammar.english_clause import english_clause
from tests.phrasebook.grammar.french_clause import french_clause
from tests.phrasebook.grammar.nominal import NounPhrase, noun_phrase
from tests.phrasebook.grammar.predicate import Predicate, Subject
from tests.phrasebook.lexicon import Noun, Verb, group
from tests.phrasebook.patterns import verbs
from tests.phrasebook.patterns.being import fitting, is_adjective
from tests.phrasebook.patterns.draw import PRONOUNS, Draw, as_subject
from tests.phrasebook.patterns.predicates import PAIRED, predicate, verb_concept
from tests.phrasebook.patterns.sentence import Sentence, clause, english_tense, sentence
from tests.phrasebook.patterns.statements import finished

_KNOWN = (
    ("connaître", "présent", "know", ""),
    ("rencontrer", "passé composé", "meet", "met"),
    ("chercher", "présent", "look for", ""),
    ("voir", "passé composé", "see", "saw"),
    ("aider", "passé composé", "help", "helped"),
)
_TRAITS = group("traits")


def _trait(verb: Verb) -> bool:
    return (
        verbs.by_person(verb)
        and verb.english in _TRAITS
        and not (verb.complements and verb.english != "play")
        and "family" not in verb.objects
    )


def _person_noun(draw: Draw) -> NounPhrase:
    noun = draw.noun(
        "=homme",
        "=femme",
        "=voisin",
        "=voisine",
        "=ami",
        "=amie",
        "=collègue",
        "=étudiant",
        "=étudiante",
        "=client",
        "=touriste",
        "profession",
    )
    return noun_phrase(noun, "indefinite")


def person_who(draw: Draw) -> Sentence:
    """Je connais une femme qui parle cinq langues."""
    subject = draw.subject()
    someone = _person_noun(draw)
    french, tense, english, past = draw.one(_KNOWN)
    verb = draw.verb(_trait)
    third = PRONOUNS[5] if someone.feminine else PRONOUNS[4]
    trait = predicate(draw, verb, third, habitual=True, bare=1 if verb.english == "sing" else 0)
    knowing = Verb(french, english, past=past, aspect="activity" if english == "look for" else "state")
    who = Subject("qui", "who", 2, 2, someone.feminine, False, False)
    relative_french = french_clause(who, trait, "présent")
    relative_english = english_clause(who, trait, "present")
    concepts = (f"v:{english}", *someone.concepts, *trait.concepts)
    said = Predicate(
        knowing, f"{someone.french} {relative_french}", f"{someone.english} {relative_english}", concepts=concepts
    )
    return finished(clause(subject, said, tense))


def the_one_who(draw: Draw) -> Sentence:
    """L'homme qui dort est fatigué."""
    noun = draw.noun("=homme", "=femme", "=garçon", "=fillette", "=enfant", "=dame", "=étudiant", "profession")
    plural = draw.chance(0.2)
    phrase = noun_phrase(noun, "definite", plural=plural)
    subject = as_subject(phrase)
    verb = draw.verb(verbs.ongoing)
    while "person" not in verb.subjects:
        verb = draw.verb(verbs.ongoing)
    person = 5 if plural else 2
    who = Subject(f"{phrase.french} qui", f"{phrase.english} who", person, person, phrase.feminine, plural, False)
    doing = predicate(draw, verb, subject)
    relation = clause(who, doing, "présent")
    adjective = draw.adjective("nationality") if draw.chance(0.5) else draw.adjective("person")
    while adjective.english in ("weird", "terrible", "vegetarian", "strange"):
        adjective = draw.adjective("person")
    whole = Subject(
        relation.french,
        relation.english,
        person,
        person,
        phrase.feminine,
        plural,
        False,
        (*subject.concepts, *relation.concepts),
    )
    return finished(clause(whole, is_adjective(subject, adjective), "présent"))


def _judged(verb: Verb) -> bool:
    things = {
        "read",
        "wear",
        "eat",
        "visit",
        "buy",
        "watch",
        "choose",
        "find",
        "sell",
        "write",
        "order",
        "borrow",
        "rent",
        "photograph",
    }
    return verbs.by_person(verb) and verb.english in things and bool(verb.objects)


# Tags of nouns, and the tag of the adjectives that judge them; the first that fits decides.
_JUDGED_AS = (
    ("clothing", "clothing"),
    ("document", "abstract"),
    ("food", "food"),
    ("food_mass", "food"),
    ("dish", "food"),
    ("drink_mass", "drink"),
    ("animal", "animal"),
    ("event", "event"),
    ("building", "place"),
    ("outdoors", "place"),
    ("room", "place"),
)


def _kind(noun: Noun) -> str:
    return next((kind for tag, kind in _JUDGED_AS if tag in noun.tags), "object")


def the_one_that(draw: Draw) -> Sentence:
    """La robe que tu portes est jolie."""
    verb = draw.verb(_judged)
    noun = draw.noun(*verb.objects)
    tag = _kind(noun)
    if noun.tags & {"person"}:
        return the_one_that(draw)
    plural = (noun.english in PAIRED or draw.chance(0.3)) and not noun.mass
    thing = noun_phrase(noun, "definite", plural=plural)
    doer = draw.subject(on=True)
    adjective = fitting(draw, tag)
    tense = (
        "présent"
        if verb.aspect == "activity" and draw.chance(0.4) and verb.english in ("read", "wear", "eat", "watch")
        else "passé composé"
    )
    said = Predicate(verb, agreement=(noun.feminine, plural), concepts=(verb_concept(verb),))
    french = f"{thing.french} que {french_clause(doer, said, tense)}"
    english = f"{thing.english} {english_clause(doer, said, english_tense(verb, tense))}"
    person = 5 if plural else 2
    whole = Subject(
        french, english, person, person, noun.feminine, plural, False, (*thing.concepts, *doer.concepts, *said.concepts)
    )
    return finished(
        clause(
            whole,
            is_adjective(whole, adjective),
            draw.one(("présent", "imparfait")) if tense != "présent" else "présent",
        )
    )


def this_is_what(draw: Draw) -> Sentence:
    """Voilà le livre que j'ai acheté."""
    verb = draw.verb(_judged)
    noun = draw.noun(*verb.objects)
    while noun.mass or noun.tags & {"person", "language"}:
        noun = draw.noun(*verb.objects)
    plural = noun.english in PAIRED or draw.chance(0.3)
    thing = noun_phrase(noun, "definite", plural=plural)
    doer = draw.subject(on=True)
    said = Predicate(verb, agreement=(noun.feminine, plural), concepts=(verb_concept(verb),))
    lead, here = ("voilà", "here are" if plural else "here's")
    if draw.chance(0.5):
        lead, here = ("ce sont", "these are") if plural else ("c'est", "this is")
    tense = draw.one(("passé composé", "passé composé", "futur proche"))
    french = f"{lead} {thing.french} que {french_clause(doer, said, tense)}"
    english = f"{here} {thing.english} {english_clause(doer, said, english_tense(verb, tense))}"
    return sentence(french, english, concepts=(*thing.concepts, *doer.concepts, *said.concepts))


_THERE = group("there")
_PLACES = {
    "live": ("=ville", "=village", "=quartier", "=rue"),
    "work": ("=banque", "=école", "=restaurant", "=usine", "=hôpital", "=magasin", "=ville"),
    "study": ("=université", "=bibliothèque", "=école"),
    "have lunch": ("=restaurant", "=cantine", "=hôtel"),
    "meet": ("=gare", "=parc", "=plage"),
    "learn": ("=école", "=université"),
    "buy": ("=magasin", "=marché", "=supermarché"),
    "sleep": ("=chambre", "=hôtel"),
    "have dinner": ("=restaurant", "=hôtel"),
    "wait for": ("=gare", "=aéroport", "=rue"),
    "find": ("=rue", "=plage", "=parc", "=grenier"),
    "park": ("=rue", "=garage", "=parking"),
    "play": ("=parc", "=jardin", "=cour"),
    "get married": ("=église", "=ville", "=château"),
}


def _done_there(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.english in _THERE


def place_where(draw: Draw) -> Sentence:
    """C'est la ville où ils habitent."""
    verb = draw.verb(_done_there)
    noun = draw.noun(*_PLACES[verb.english])
    place = noun_phrase(noun, "definite")
    doer = draw.subject(on=not verb.reflexive)
    said = predicate(draw, verb, doer, habitual=True)
    habitual = verb.english in ("live", "work", "study", "sleep", "have lunch", "play", "have dinner") and draw.chance(
        0.6
    )
    tense = "présent" if habitual or verb.aspect == "state" else "passé composé"
    there = f"où {french_clause(doer, said, tense)}"
    english = f"where {english_clause(doer, said, 'present' if tense == 'présent' else 'past')}"
    lead = draw.one((("c'est", "this is"), ("je connais", "I know"), ("voilà", "here's")))
    concepts = (*place.concepts, *doer.concepts, *said.concepts, f"l:{lead[1]}")
    return sentence(f"{lead[0]} {place.french} {there}", f"{lead[1]} {place.english} {english}", concepts=concepts)


def it_is_who(draw: Draw) -> Sentence:
    """C'est Marie qui a cassé le vase."""
    verb = draw.verb(verbs.happened_to_people)
    while "person" not in verb.subjects or verb.reflexive:
        verb = draw.verb(verbs.happened_to_people)
    name = draw.named() if draw.chance(0.6) else as_subject(draw.someone())
    while name.plural:
        name = draw.named()
    who = Subject(
        f"c'est {name.french} qui", f"{name.english} is the one who", 2, 2, name.feminine, False, False, name.concepts
    )
    said = predicate(draw, verb, PRONOUNS[0], habitual=True)
    return sentence(
        french_clause(who, said, "passé composé"),
        english_clause(who, said, "past"),
        concepts=(*who.concepts, *said.concepts, "l:the one who"),
    )
