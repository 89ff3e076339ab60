"""The weather, here and elsewhere, yesterday and tomorrow."""

from tests.phrasebook.grammar.english_clause import english_clause
from tests.phrasebook.grammar.french_clause import french_clause
from tests.phrasebook.grammar.predicate import Phrase, Predicate, Subject, join
from tests.phrasebook.lexicon import Verb
from tests.phrasebook.patterns.draw import Draw
from tests.phrasebook.patterns.sentence import Sentence, english_tense, sentence
from tests.phrasebook.patterns.statements import timed

_IT = Subject("il", "it", 2, 2, False, False, True)
_THE_WEATHER = Subject("il", "the weather", 2, 2, False, False, False)

# The French verb and what follows it, the English subject and verb.
_SKY = (
    ("faire", "froid", _IT, Verb("", "be cold")),
    ("faire", "chaud", _IT, Verb("", "be hot")),
    ("faire", "frais", _IT, Verb("", "be cool")),
    ("faire", "beau", _THE_WEATHER, Verb("", "be nice")),
    ("faire", "mauvais", _THE_WEATHER, Verb("", "be bad")),
    ("pleuvoir", "", _IT, Verb("", "rain", aspect="activity")),
    ("neiger", "", _IT, Verb("", "snow", aspect="activity")),
    ("geler", "", _IT, Verb("", "freeze", past="froze", aspect="activity")),
    ("avoir", "du vent", _IT, Verb("", "be windy")),
    ("avoir", "du soleil", _IT, Verb("", "be sunny")),
    ("avoir", "du brouillard", _IT, Verb("", "be foggy")),
    ("avoir", "de l'orage", _IT, Verb("", "be stormy")),
)


def _weather_clause(draw: Draw, tense: str, *, negative: bool) -> Phrase:
    """The weather in a tense."""
    infinitive, complement, subject, verb = draw.one(_SKY)
    there_is = infinitive == "avoir"
    if negative and there_is:
        complement = "de " + complement.removeprefix("du ").removeprefix("de l'")
    said = Predicate(Verb(infinitive, ""), complement, clitics=("y",) if there_is else ())
    french = french_clause(_IT, said, tense, negation="pas" if negative else "")
    english = english_clause(subject, Predicate(verb), english_tense(verb, tense), negative=negative)
    return Phrase(french, english, (f"w:{verb.english}",))


_WHEN = {
    "présent": (
        timed("aujourd'hui", "today"),
        timed("en ce moment", "right now"),
        timed("ici", "here"),
        Phrase("", ""),
    ),
    "imparfait": (timed("hier", "yesterday"), timed("ce matin", "this morning"), timed("hier soir", "last night")),
    "passé composé": (
        timed("hier", "yesterday"),
        timed("lundi dernier", "last Monday"),
        timed("la semaine dernière", "last week"),
        timed("hier soir", "last night"),
    ),
    "futur": (
        timed("demain", "tomorrow"),
        timed("ce week-end", "this weekend"),
        timed("la semaine prochaine", "next week"),
        timed("ce soir", "tonight"),
    ),
    "futur proche": (
        timed("demain", "tomorrow"),
        timed("ce soir", "tonight"),
        timed("bientôt", "soon"),
        timed("cet après-midi", "this afternoon"),
    ),
}


def weather(draw: Draw) -> Sentence:
    """Il fera froid demain."""
    tense = draw.one(tuple(_WHEN))
    when = draw.one(_WHEN[tense])
    said = _weather_clause(draw, tense, negative=draw.chance(0.2))
    place = Phrase("", "")
    if draw.chance(0.3):
        city = draw.place("city")
        place = Phrase(f"à {city.french}", f"in {city.english}", (f"p:{city.english}",))
    return sentence(
        join(said.french, place.french, when.french),
        join(said.english, place.english, when.english),
        concepts=(*said.concepts, *place.concepts, *when.concepts),
    )
