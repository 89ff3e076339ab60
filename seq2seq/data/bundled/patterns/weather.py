"""The weather, here and elsewhere, yesterday and tomorrow."""

from seq2seq.data.bundled.grammar.english_clause import english_clause
from seq2seq.data.bundled.grammar.french_clause import french_clause
from seq2seq.data.bundled.grammar.predicate import Phrase, Predicate, Subject, join
from seq2seq.data.bundled.lexicon import Verb
from seq2seq.data.bundled.patterns.draw import Draw
from seq2seq.data.bundled.patterns.sentence import Sentence, sentence
from seq2seq.data.bundled.patterns.statements import timed


def _verb(french: str, english: str, past: str = "") -> Verb:
    return Verb(french, "avoir", False, english, past, past, "", "state", (), (), None, (), None, frozenset())


_IT = Subject("il", "it", 2, 2, False, False, True)


_SKY = (
    ("faire", "froid", "be cold"),
    ("faire", "chaud", "be hot"),
    ("faire", "frais", "be cool"),
    ("pleuvoir", "", "rain"),
    ("neiger", "", "snow"),
    ("geler", "", "freeze"),
    ("faire", "beau", "nice"),
    ("faire", "mauvais", "bad"),
    ("y avoir", "du vent", "be windy"),
    ("y avoir", "du soleil", "be sunny"),
    ("y avoir", "du brouillard", "be foggy"),
    ("y avoir", "de l'orage", "be stormy"),
)


_PLUIE = {
    "présent": "pleut",
    "imparfait": "pleuvait",
    "futur": "pleuvra",
    "passé composé": "a plu",
    "futur proche": "va pleuvoir",
}


def _weather_clause(kind: tuple[str, str, str], tense: str, negation: str) -> Phrase:
    """The weather in a tense; the weather itself is the English subject for nice and bad."""
    infinitive, complement, english = kind
    weather = Subject("il", "the weather", 2, 2, False, False, False) if english in ("nice", "bad") else _IT
    spoken = _verb("faire", f"be {english}" if english in ("nice", "bad") else english)
    target = {
        "présent": "present",
        "imparfait": "past",
        "futur": "future",
        "futur proche": "going to",
        "passé composé": "past",
    }[tense]
    if not spoken.english.startswith("be ") and target in ("present", "past") and tense != "passé composé":
        target = {"present": "progressive", "past": "past progressive"}[target]
    english_said = english_clause(weather, Predicate(_irregular(spoken)), target, negative=bool(negation))
    if infinitive == "pleuvoir":
        french = join("il", "ne" if negation else "", _PLUIE[tense], negation)
        if negation and tense in ("passé composé", "futur proche"):
            first, second = _PLUIE[tense].split(" ")
            french = f"il ne {first} {negation} {second}"
        return Phrase(french, english_said, (f"w:{english}",))
    head = "avoir" if infinitive == "y avoir" else infinitive
    tail = (
        complement
        if not (negation and infinitive == "y avoir")
        else "de " + complement.removeprefix("du ").removeprefix("de l'")
    )
    said = Predicate(_verb(head, "be"), tail, clitics=("y",) if infinitive == "y avoir" else ())
    return Phrase(french_clause(_IT, said, tense, negation=negation), english_said, (f"w:{english}",))


def _irregular(verb: Verb) -> Verb:
    return Verb(
        "",
        "",
        False,
        verb.english,
        "froze" if verb.english == "freeze" else "",
        "",
        "",
        "state",
        (),
        (),
        None,
        (),
        None,
        frozenset(),
    )


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
    said = _weather_clause(draw.one(_SKY), tense, "pas" if draw.chance(0.2) else "")
    concepts = (*said.concepts, *when.concepts)
    where = ""
    if draw.chance(0.3):
        city = draw.place("city")
        where, concepts = f"à {city.french}", (*concepts, f"p:{city.english}")
        return sentence(
            join(said.french, where, when.french),
            join(said.english, f"in {city.english}", when.english),
            concepts=concepts,
        )
    return sentence(join(said.french, when.french), join(said.english, when.english), concepts=concepts)
