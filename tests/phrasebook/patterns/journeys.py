"""Countries and cities, how one gets there, where one is from and what one is called."""

from tests.phrasebook.grammar.english_text import genitive
from tests.phrasebook.grammar.french_text import contract, first_word, vowel_sound
from tests.phrasebook.grammar.nominal import noun_phrase
from tests.phrasebook.grammar.predicate import Phrase, Predicate
from tests.phrasebook.lexicon import Expression, Verb
from tests.phrasebook.patterns.draw import Draw
from tests.phrasebook.patterns.sentence import Form, Sentence, clause, sentence
from tests.phrasebook.patterns.statements import finished, phrase_of, with_time


def in_place(place: Expression) -> str:
    """In or to a city or country in French: à Paris, en France, au Japon, aux États-Unis."""
    if place.kind == "city":
        return f"à {place.french}"
    if place.kind == "country_pl":
        return f"aux {place.french}"
    if place.kind == "country_f" or vowel_sound(first_word(place.french)):
        return f"en {place.french}"
    return f"au {place.french}"


def from_place(place: Expression) -> str:
    """From a city or country in French: de Paris, de France, du Japon, des États-Unis."""
    if place.kind == "country_pl":
        return f"des {place.french}"
    if place.kind == "country_m" and not vowel_sound(first_word(place.french)):
        return f"du {place.french}"
    return f"de {place.french}"


def with_article(place: Expression) -> str:
    """A country with its article, a city without: la France, le Japon, les États-Unis, Paris."""
    return {"city": "", "country_f": "la ", "country_m": "le ", "country_pl": "les "}[place.kind] + place.french


def _anywhere(draw: Draw) -> tuple[Expression, tuple[str, ...]]:
    place = draw.place(draw.one(("city", "country")))
    return place, (f"p:{place.english}",)


_GO = Verb("aller", "go", auxiliary="être", past="went", participle="gone", aspect="event")
_LIVE = Verb("habiter", "live")
_COME_FROM = Verb("venir", "be", auxiliary="être")
_COME_BACK = Verb("revenir", "come back", auxiliary="être", past="came", participle="come", aspect="event")
_TRAVEL = Verb("voyager", "travel", aspect="activity")
_WORK = Verb("travailler", "work", aspect="habit")
_KNOW = Verb("connaître", "know", past="knew", participle="known")
_VISIT = Verb("visiter", "visit", past="visited", gerund="visiting", aspect="event")
_LOVE = Verb("adorer", "love")
_BORN = Verb("naître", "be born", auxiliary="être")
_STUDY = Verb("étudier", "study", aspect="activity")


def _days_away(draw: Draw, kind: str) -> Phrase:
    """A time that leaves one the time to travel."""
    entry = draw.adverb(kind)
    while "hour" in entry.english or "minutes" in entry.english:
        entry = draw.adverb(kind)
    return phrase_of(entry)


def travel(draw: Draw) -> Sentence:
    """Nous irons au Japon l'été prochain."""
    place, concepts = _anywhere(draw)
    tense, kind = draw.one((("futur", "time_future"), ("futur proche", "time_future"), ("passé composé", "time_past")))
    verb = draw.one((_GO, _GO, _TRAVEL))
    english = f"{'to' if verb.english == 'go' else 'in'} {place.english}"
    said = Predicate(verb, in_place(place), english_tail=english, concepts=(f"v:{verb.english}", *concepts))
    subject = draw.subject()
    result = clause(subject, said, tense)
    if draw.chance(0.6):
        return with_time(draw, result, _days_away(draw, kind))
    return finished(result)


def live(draw: Draw) -> Sentence:
    """Elle habite à Lyon."""
    place, concepts = _anywhere(draw)
    subject = draw.subject(on=True)
    verb = draw.one((_LIVE, _LIVE, _WORK, _STUDY))
    said = Predicate(
        verb, in_place(place), english_tail=f"in {place.english}", concepts=(f"v:{verb.english}", *concepts)
    )
    tense = draw.one(("présent", "présent", "présent", "imparfait"))
    form: Form = (
        "statement"
        if subject.english_person in (0, 3) or draw.chance(0.75)
        else draw.one(("intonation", "est-ce que", "inversion"))
    )
    negation = "pas" if form == "statement" and draw.chance(0.2) else ""
    english = {"présent": "present", "imparfait": "past"}[tense] if verb is not _STUDY else ""
    return finished(
        clause(subject, said, tense, form=form, negation=negation, english=english), "." if form == "statement" else "?"
    )


def come_from(draw: Draw) -> Sentence:
    """Je viens du Canada."""
    place, concepts = _anywhere(draw)
    subject = draw.subject(on=True)
    form: Form = (
        "statement"
        if subject.english_person in (0, 3) or draw.chance(0.7)
        else draw.one(("intonation", "est-ce que", "inversion"))
    )
    negation = "pas" if form == "statement" and draw.chance(0.15) else ""
    said = Predicate(
        _COME_FROM, from_place(place), english_tail=f"from {place.english}", concepts=("v:be from", *concepts)
    )
    return finished(clause(subject, said, "présent", form=form, negation=negation), "." if form == "statement" else "?")


def back_from(draw: Draw) -> Sentence:
    """Ils sont revenus d'Italie hier."""
    place, concepts = _anywhere(draw)
    subject = draw.subject()
    tense, kind = draw.one((("futur", "time_future"), ("futur proche", "time_future"), ("passé composé", "time_past")))
    said = Predicate(
        _COME_BACK, from_place(place), english_tail=f"from {place.english}", concepts=("v:come back", *concepts)
    )
    when = _days_away(draw, kind)
    return with_time(draw, clause(subject, said, tense), when)


def born(draw: Draw) -> Sentence:
    """Elle est née en Espagne."""
    place, concepts = _anywhere(draw)
    subject = draw.subject()
    said = Predicate(_BORN, in_place(place), english_tail=f"in {place.english}", concepts=("v:be born", *concepts))
    return finished(clause(subject, said, "passé composé", english="past", negation="pas" if draw.chance(0.15) else ""))


def know_place(draw: Draw) -> Sentence:
    """Nous adorons l'Italie."""
    place, concepts = _anywhere(draw)
    subject = draw.subject(on=True)
    verb = draw.one((_KNOW, _VISIT, _LOVE))
    said = Predicate(verb, with_article(place), place.english, concepts=(f"v:{verb.english}", *concepts))
    if verb is _VISIT:
        tense = draw.one(("passé composé", "futur proche", "futur"))
        return finished(clause(subject, said, tense))
    form: Form = (
        "statement"
        if subject.english_person in (0, 3) or verb is _LOVE
        else draw.one(("statement", "intonation", "est-ce que", "inversion"))
    )
    negation = "pas" if form == "statement" and verb is _KNOW and draw.chance(0.4) else ""
    return finished(clause(subject, said, "présent", form=form, negation=negation), "." if form == "statement" else "?")


_MEANS = (
    ("en train", "by train"),
    ("en bus", "by bus"),
    ("en avion", "by plane"),
    ("en voiture", "by car"),
    ("à pied", "on foot"),
    ("à vélo", "by bike"),
    ("en taxi", "by taxi"),
    ("en métro", "by subway"),
    ("à moto", "by motorcycle"),
)


def by_what_means(draw: Draw) -> Sentence:
    """Je vais à l'école à vélo."""
    subject = draw.subject(on=False)
    if draw.chance(0.5):
        place = draw.place("city")
        concepts: tuple[str, ...]
        french, english, concepts = f"à {place.french}", f"to {place.english}", (f"p:{place.english}",)
        means = draw.one(_MEANS[:4])
    else:
        noun = draw.noun(
            "=école",
            "=gare",
            "=bureau",
            "=plage",
            "=marché",
            "=supermarché",
            "=hôpital",
            "=université",
            "=aéroport",
            "=lycée",
            "=banque",
        )
        where = noun_phrase(noun, "definite")
        french, english, concepts = (
            contract("à", where.french),
            f"to {where.english}".replace("to the school", "to school"),
            where.concepts,
        )
        means = draw.one((_MEANS[1], _MEANS[3], _MEANS[4], _MEANS[5], _MEANS[6], _MEANS[7], _MEANS[8]))
    said = Predicate(
        _GO, f"{french} {means[0]}", english_tail=f"{english} {means[1]}", concepts=("v:go", f"m:{means[1]}", *concepts)
    )
    tense = draw.one(("présent", "passé composé", "futur", "futur proche"))
    return finished(clause(subject, said, tense, habitual=True))


_CALLED = Verb("appeler", "be", auxiliary="être", reflexive=True)
_OWNER = ("my", "your", "his", "our", "your", "their")


def called(draw: Draw) -> Sentence:
    """Il s'appelle Hugo."""
    subject = draw.subject()
    while subject.plural or (not subject.bare and not subject.concepts):
        subject = draw.subject()
    name = draw.name("f" if subject.feminine else "m")
    said = Predicate(_CALLED, name.french)
    french = clause(subject, said, "présent").french
    concepts = (*subject.concepts, f"name:{name.english}")
    if subject.bare:
        owner = "her" if subject.english == "she" else _OWNER[subject.english_person]
        return sentence(french, f"{owner} name is {name.english}", concepts=concepts)
    return sentence(french, f"{genitive(subject.english)} name is {name.english}", concepts=concepts)


def called_question(draw: Draw) -> Sentence:
    """Comment s'appelle ta sœur ?"""
    person = draw.someone("family", "=voisin", "=voisine", "=ami", "=amie", "=chien", "=chat")
    if person.plural:
        return called_question(draw)
    be = "est-ce que" if draw.chance(0.3) else ""
    if be:
        return sentence(
            f"comment est-ce que {person.french} s'appelle",
            f"what is {genitive(person.english)} name",
            "?",
            concepts=(*person.concepts, "q:name"),
        )
    return sentence(
        f"comment s'appelle {person.french}",
        f"what is {genitive(person.english)} name",
        "?",
        concepts=(*person.concepts, "q:name"),
    )
