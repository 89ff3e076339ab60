"""The time of day, days and dates, and what happens at them."""

from tests.phrasebook.grammar.numerals import (
    DAYS,
    DAYS_IN_MONTH,
    clock,
    date,
)
from tests.phrasebook.grammar.predicate import Phrase, join
from tests.phrasebook.lexicon import Verb
from tests.phrasebook.patterns import verbs
from tests.phrasebook.patterns.draw import Draw
from tests.phrasebook.patterns.predicates import predicate
from tests.phrasebook.patterns.sentence import Sentence, clause, sentence
from tests.phrasebook.patterns.statements import subject_for


def hour(draw: Draw) -> Sentence:
    """Il est trois heures et demie."""
    time = clock(draw.number(0, 12), draw.number(0, 11) * 5)
    french, english = draw.one(
        (
            ("il est", "it's"),
            ("il est déjà", "it's already"),
            ("il est presque", "it's almost"),
            ("il était", "it was"),
            ("il sera bientôt", "it'll soon be"),
            ("il n'est que", "it's only"),
            ("est-ce qu'il est", "is it"),
            ("il n'est pas encore", "it isn't"),
        )
    )
    tail = " yet" if "encore" in french else ""
    return sentence(
        f"{french} {time.french}",
        f"{english} {time.english}{tail}",
        "?" if english == "is it" else ".",
        concepts=(*time.concepts, f"m:{english}"),
    )


# When one does what has its time: from hour to hour.
_HOURS_OF = {
    "have breakfast": (5, 10),
    "get up": (4, 11),
    "wake up": (4, 11),
    "have lunch": (11, 12),
    "have dinner": (5, 10),
    "go to bed": (8, 12),
    "set the table": (5, 8),
    "go home": (1, 9),
    "start": (1, 11),
}


def at_an_hour(draw: Draw) -> Sentence:
    """Le train part à huit heures dix."""
    verb = draw.verb(_timetabled)
    subject = subject_for(draw, verb)
    low, high = _HOURS_OF.get(verb.english, (1, 12))
    time = clock(draw.number(low, high), draw.number(0, 11) * 5)
    tense = draw.one(("présent", "passé composé", "futur", "futur proche"))
    said = clause(subject, predicate(draw, verb, subject, habitual=True, bare=1), tense, habitual=True)
    return sentence(
        join(said.french, "à", time.french),
        join(said.english, "at", time.english),
        concepts=(*said.concepts, *time.concepts),
    )


def _timetabled(verb: Verb) -> bool:
    timetabled = {
        "start",
        "end",
        "leave",
        "arrive",
        "get up",
        "go to bed",
        "wake up",
        "have lunch",
        "have dinner",
        "go home",
        "have breakfast",
        "take the bus",
        "take the train",
        "come back",
        "go",
        "set the table",
        "take a shower",
        "ring",
        "call",
    }
    return (
        verb.english in timetabled
        and verb.infinitive is None
        and "past" not in verb.tags
        and not verb.objects
        and verb.french != "entrer"
    )


def what_time(draw: Draw) -> Sentence:
    """À quelle heure est-ce que le film commence ?"""
    verb = draw.verb(_timetabled)
    while verb.english in ("ring", "call"):
        verb = draw.verb(_timetabled)
    subject = subject_for(draw, verb, on=False)
    while subject.english_person in (0, 3):
        subject = subject_for(draw, verb, on=False)
    said = predicate(draw, verb, subject, habitual=True, bare=1)
    result = clause(
        subject, said, draw.one(("présent", "futur")), form=draw.one(("est-ce que", "inversion")), habitual=True
    )
    return sentence(
        f"à quelle heure {result.french}",
        f"what time {result.english}",
        "?",
        concepts=(*result.concepts, "q:what time"),
    )


def _any_date(draw: Draw) -> Phrase:
    month = draw.number(1, 12)
    return date(draw.number(1, DAYS_IN_MONTH[month - 1]), month, digits=draw.chance(0.4))


def today_is(draw: Draw) -> Sentence:
    """Nous sommes le mardi trois mai."""
    french_day, english_day = draw.one(DAYS)
    when = _any_date(draw)
    kind = draw.number(0, 4)
    concepts = (*when.concepts, f"t:{english_day}")
    if kind == 0:
        return sentence(f"nous sommes {when.french}", f"it's {when.english}", concepts=when.concepts)
    if kind == 1:
        return sentence(
            f"nous sommes le {french_day} {when.french.removeprefix('le ')}",
            f"it's {english_day}, {when.english}",
            concepts=concepts,
        )
    if kind == 2:
        return sentence(
            f"demain, c'est {when.french}", f"tomorrow is {when.english}", concepts=(*when.concepts, "t:tomorrow")
        )
    if kind == 3:
        name = draw.name()
        return sentence(
            f"l'anniversaire de {name.french} est {when.french}",
            f"{name.english}'s birthday is {when.english}",
            concepts=when.concepts,
        )
    return sentence(
        f"aujourd'hui, c'est le {french_day} {when.french.removeprefix('le ')}",
        f"today is {english_day}, {when.english}",
        concepts=concepts,
    )


def on_a_date(draw: Draw) -> Sentence:
    """La fête commence le deux juin."""
    when = _any_date(draw)
    verb = draw.verb(_dated)
    subject = subject_for(draw, verb)
    tense = draw.one(("passé composé", "futur", "futur proche"))
    said = clause(subject, predicate(draw, verb, subject, habitual=True), tense)
    return sentence(
        join(said.french, when.french),
        join(said.english, "on", when.english),
        concepts=(*said.concepts, *when.concepts),
    )


def _dated(verb: Verb) -> bool:
    dated = {
        "start",
        "end",
        "leave",
        "arrive",
        "come back",
        "move",
        "get married",
        "sell",
        "buy",
        "rent",
        "visit",
        "organize",
        "sign",
        "meet",
        "take an exam",
    }
    return (
        verb.infinitive is None
        and verb.english in dated
        and not ({"person"} & set(verb.objects) and verb.english == "visit")
    )


def on_a_day(draw: Draw) -> Sentence:
    """Nous partons lundi."""
    french_day, english_day = draw.one(DAYS)
    part = draw.one((("", ""), ("", ""), (" matin", " morning"), (" soir", " evening"), (" après-midi", " afternoon")))
    when = Phrase(french_day + part[0], f"on {english_day}{part[1]}", (f"t:{english_day}",))
    verb = draw.verb(verbs.scheduled)
    while not verbs.fits_the_hour(verb, when.english):
        verb = draw.verb(verbs.scheduled)
    subject = subject_for(draw, verb)
    tense = draw.one(("futur", "futur proche", "passé composé"))
    said = clause(subject, predicate(draw, verb, subject), tense)
    return sentence(
        f"{said.french} {when.french}", f"{said.english} {when.english}", concepts=(*said.concepts, *when.concepts)
    )
