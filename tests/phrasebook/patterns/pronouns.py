"""Object pronouns: le, la, les with agreement of the participle, lui, leur, me and te, y, en; rien and personne."""

from tests.phrasebook.grammar.english_clause import english_clause
from tests.phrasebook.grammar.french_clause import french_clause
from tests.phrasebook.grammar.nominal import noun_phrase
from tests.phrasebook.grammar.numerals import counted
from tests.phrasebook.grammar.predicate import Predicate, Subject
from tests.phrasebook.lexicon import Verb, group
from tests.phrasebook.patterns import verbs
from tests.phrasebook.patterns.draw import PRONOUNS, Draw, as_subject
from tests.phrasebook.patterns.predicates import PAIRED, predicate, verb_concept
from tests.phrasebook.patterns.sentence import Form, Sentence, clause, english_tense, sentence, two_sentences
from tests.phrasebook.patterns.statements import finished, time_for

_TENSES = ("présent", "passé composé", "passé composé", "futur", "futur proche")
_CLITICS = (("me", "me"), ("te", "you"), ("nous", "us"), ("vous", "you"))
_PEOPLE = {"person", "family", "profession"}


def _on_people(verb: Verb) -> bool:
    """Done to someone, whom bare le, la, les then stand for."""
    return verbs.by_person(verb) and bool(_PEOPLE & set(verb.objects))


def _subject_other_than(draw: Draw, english: str) -> Subject:
    """A subject that the pronoun `english` does not refer back to."""
    own = {"me": (0, 3), "us": (0, 3), "you": (1, 4), "him": (2,), "her": (2,), "them": (5,)}[english]
    subject = draw.subject(on=english not in ("me", "us"))
    while subject.english_person in own:
        subject = draw.subject()
    return subject


def _tense(draw: Draw, verb: Verb) -> str:
    if verb.aspect == "state":
        return "présent"
    return draw.one(_TENSES[1:] if "past" in verb.tags else _TENSES)


def _spoken_to(draw: Draw, english: str) -> tuple[bool, bool]:
    """The gender and number that me, te, nous, vous happen to have."""
    return (draw.chance(0.5), english == "us")


def me_or_you(draw: Draw) -> Sentence:
    """Il m'attend."""
    verb = draw.verb(_on_people)
    french, english = draw.one(_CLITICS)
    subject = _subject_other_than(draw, english)
    said = Predicate(
        verb,
        english_object=english,
        pronominal=True,
        clitics=(french,),
        agreement=_spoken_to(draw, english),
        concepts=(verb_concept(verb), f"c:{english}"),
    )
    negation = "pas" if draw.chance(0.3) else ""
    return finished(clause(subject, said, _tense(draw, verb), negation=negation))


def him_or_her(draw: Draw) -> Sentence:
    """Où est Marie ? Je l'ai invitée."""
    verb = draw.verb(_on_people)
    while verb.english in ("love", "know", "recognize"):
        verb = draw.verb(_on_people)
    someone = draw.named() if draw.chance(0.5) else as_subject(draw.someone())
    english = "them" if someone.plural else "her" if someone.feminine else "him"
    clitic = "les" if someone.plural else "la" if someone.feminine else "le"
    subject = draw.one((PRONOUNS[0], PRONOUNS[6]))
    said = Predicate(
        verb,
        english_object=english,
        clitics=(clitic,),
        agreement=(someone.feminine, someone.plural),
        concepts=(verb_concept(verb), *someone.concepts),
    )
    tense = "présent" if verb.aspect == "state" else draw.one(_TENSES[1:])
    result = clause(subject, said, tense, negation="pas" if draw.chance(0.25) else "")
    verb_be = ("sont", "are") if someone.plural else ("est", "is")
    question = (f"où {verb_be[0]} {someone.french}", f"where {verb_be[1]} {someone.english}")
    return two_sentences(question, (result.french, result.english), (*result.concepts, "q:where"), marks=("?", "."))


def him_alone(draw: Draw) -> Sentence:
    """Nous l'aidons."""
    verb = draw.verb(_on_people)
    french, english = draw.one((("le", "him"), ("la", "her"), ("les", "them")))
    # Before a vowel le and la look the same, so that only the plural has one translation.
    while (
        french != "les"
        and clause(PRONOUNS[0], Predicate(verb, clitics=(french,)), "présent").french.split(" ")[2][0] in "aeéhiou"
    ):
        verb = draw.verb(_on_people)
    subject = _subject_other_than(draw, english)
    tense = "présent" if verb.aspect == "state" else draw.one(("futur", "futur proche", _tense(draw, verb)))
    tense = "futur" if tense == "passé composé" else tense
    said = Predicate(
        verb, english_object=english, pronominal=True, clitics=(french,), concepts=(verb_concept(verb), f"c:{english}")
    )
    return finished(
        clause(subject, said, tense, negation=draw.one(("", "", "pas", "plus" if verb.aspect == "state" else "pas")))
    )


_WHEREABOUTS = group("whereabouts")


def _on_things(verb: Verb) -> bool:
    """Done to a thing, which explains where it is."""
    return verbs.by_person(verb) and verb.english in _WHEREABOUTS and bool(verb.objects) and verb.french != "quitter"


def it_or_them(draw: Draw) -> Sentence:
    """Où sont mes clés ? Je les ai perdues."""
    verb = draw.verb(_on_things)
    noun = draw.noun(*verb.objects)
    while noun.mass or noun.tags & _PEOPLE or noun.tags & {"outdoors", "building", "room", "event", "language"}:
        verb = draw.verb(_on_things)
        noun = draw.noun(*verb.objects)
    thing = draw.thing(noun, plural=draw.chance(0.3))
    clitic = "les" if thing.plural else "la" if thing.feminine else "le"
    subject = draw.subject(on=True)
    said = Predicate(
        verb,
        english_object="them" if thing.plural else "it",
        pronominal=True,
        clitics=(clitic,),
        agreement=(thing.feminine, thing.plural),
        concepts=(verb_concept(verb), *thing.concepts),
    )
    result = clause(subject, said, "passé composé", negation="pas" if draw.chance(0.2) else "")
    are = ("sont", "are") if thing.plural else ("est", "is")
    question = (f"où {are[0]} {thing.french}", f"where {are[1]} {thing.english}")
    return two_sentences(question, (result.french, result.english), (*result.concepts, "q:where"), marks=("?", "."))


def _to_people(verb: Verb) -> bool:
    return (
        verbs.by_person(verb)
        and verb.preposition is not None
        and verb.preposition[0] == "à"
        and "family" in verb.complements
        and (verb.french not in ("penser", "emprunter") and "generic" not in verb.tags)
    )


def _given(verb: Verb, french_tail: str, thing: str, clitic: str, english: str, concepts: tuple[str, ...]) -> Predicate:
    """The predicate with its receiver a pronoun: give him the book, explain the book to him, talk to him, call him."""
    assert verb.preposition is not None
    if thing and verb.english not in ("explain", "give * back"):
        return Predicate(verb, french_tail, f"{english} {thing}", clitics=(clitic,), concepts=concepts)
    if thing or verb.preposition[1]:
        return Predicate(
            verb, french_tail, thing, f"{verb.preposition[1]} {english}", clitics=(clitic,), concepts=concepts
        )
    return Predicate(verb, french_tail, english, clitics=(clitic,), concepts=concepts)


def to_him_or_them(draw: Draw) -> Sentence:
    """Je leur ai envoyé une lettre."""
    verb = draw.verb(_to_people)
    clitic, english = draw.one((*_CLITICS, ("leur", "them"), ("leur", "them")))
    subject = _subject_other_than(draw, english)
    french_tail = english_object = ""
    concepts: tuple[str, ...] = (verb_concept(verb), f"c:{english}")
    if verb.objects:
        noun = draw.noun(*verb.objects)
        known = "definite" in verb.tags or noun.english == "truth" or draw.chance(0.5)
        thing = noun_phrase(noun, "definite" if known else "indefinite", plural=noun.english in PAIRED)
        french_tail, english_object, concepts = thing.french, thing.english, concepts + thing.concepts
    said = _given(verb, french_tail, english_object, clitic, english, concepts)
    tense = draw.one(_TENSES)
    return finished(clause(subject, said, tense))


def to_her(draw: Draw) -> Sentence:
    """C'est l'anniversaire de Marie. Je lui offre un livre."""
    verb = draw.verb(_to_people)
    name = draw.name()
    english = "her" if name.kind == "f" else "him"
    occasion = draw.one(
        (
            (f"{name.french} est là", f"{name.english} is here"),
            (f"voilà {name.french}", f"here comes {name.english}"),
            (f"je connais {name.french}", f"I know {name.english}"),
        )
    )
    french_tail = english_object = ""
    concepts: tuple[str, ...] = (verb_concept(verb), f"c:{english}")
    if verb.objects:
        noun = draw.noun(*verb.objects)
        thing = noun_phrase(noun, "definite", plural=noun.english in PAIRED)
        french_tail, english_object, concepts = thing.french, thing.english, concepts + thing.concepts
    said = _given(verb, french_tail, english_object, "lui", english, concepts)
    result = clause(PRONOUNS[0], said, draw.one(("passé composé", "futur proche")))
    return two_sentences(occasion, (result.french, result.english), result.concepts)


def _going(verb: Verb) -> bool:
    return verb.french in ("aller", "retourner") and verb.preposition is not None


def there(draw: Draw) -> Sentence:
    """Tu connais le musée ? J'y vais demain."""
    noun = draw.noun("building", "=plage", "=parc", "=port")
    place = noun_phrase(noun, "definite")
    subject = draw.one((PRONOUNS[0], PRONOUNS[6], PRONOUNS[4], PRONOUNS[5]))
    going = draw.verb(_going)
    tense = draw.one(("futur", "futur proche", "passé composé"))
    when = time_for(draw, going, "time_past" if tense == "passé composé" else "time_future")
    said = Predicate(going, english_tail="there", clitics=("y",), concepts=(verb_concept(going), *place.concepts))
    result = clause(subject, said, tense, tail=when)
    known = draw.one(
        (("tu connais", "do you know"), ("vous connaissez", "do you know"), ("connaissez-vous", "do you know"))
    )
    question = (f"{known[0]} {place.french}", f"{known[1]} {place.english}")
    return two_sentences(question, (result.french, result.english), result.concepts, marks=("?", "."))


def some_of_it(draw: Draw) -> Sentence:
    """Il y a du pain. Tu en veux ?"""
    noun = draw.noun("food_mass", "drink_mass")
    said = noun_phrase(noun, "indefinite")
    subject = draw.one((PRONOUNS[2], PRONOUNS[8]))
    wanting = Verb("vouloir", "want")
    asked = Predicate(wanting, english_object="some", clitics=("en",), concepts=("v:want", *said.concepts))
    form: Form = draw.one(("intonation", "est-ce que", "inversion"))
    result = clause(subject, asked, "présent", form=form)
    return two_sentences(
        (f"il y a {said.french}", f"there's {said.english}"),
        (result.french, result.english),
        result.concepts,
        marks=(".", "?"),
    )


def how_many_of_them(draw: Draw) -> Sentence:
    """Combien de frères as-tu ? J'en ai deux."""
    noun = draw.noun(
        "=frère",
        "=sœur",
        "=cousin",
        "=cousine",
        "=chat",
        "=chien",
        "=oncle",
        "=tante",
        "=enfant",
        "=stylo",
        "=clé",
        "=valise",
        "=vélo",
    )
    number = counted(draw.number(2, 12), feminine=noun.feminine)
    asked = draw.one(
        (
            ("as-tu", "do you have"),
            ("avez-vous", "do you have"),
            ("est-ce que tu as", "do you have"),
            ("est-ce que vous avez", "do you have"),
        )
    )
    question = (f"combien de {noun.french_plural} {asked[0]}", f"how many {noun.english_plural} {asked[1]}")
    who = draw.one((("j'en ai", "I have"), ("nous en avons", "we have")))
    return two_sentences(
        question,
        (f"{who[0]} {number.french}", f"{who[1]} {number.english}"),
        (f"n:{noun.english}", "v:have", *number.concepts),
        marks=("?", "."),
    )


_NOTHING_VERBS = group("nothing_verbs")
_NOBODY_VERBS = group("nobody_verbs")


def _nothing_verb(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.english in _NOTHING_VERBS and bool(verb.objects)


def _nobody_verb(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.english in _NOBODY_VERBS and bool(verb.objects)


def nothing(draw: Draw) -> Sentence:
    """Il n'a rien compris."""
    verb = draw.verb(_nothing_verb)
    subject = draw.subject(on=True)
    said = Predicate(verb, english_object="anything", concepts=(verb_concept(verb), "c:nothing"))
    tense = "passé composé" if "past" in verb.tags else draw.one(("présent", "passé composé", "futur", "futur proche"))
    english = english_clause(subject, said, english_tense(verb, tense), negative=True)
    return _negative(subject, said, tense, "rien", english)


def nobody(draw: Draw) -> Sentence:
    """Nous ne connaissons personne."""
    verb = draw.verb(_nobody_verb)
    subject = draw.subject(on=True)
    said = Predicate(verb, english_object="anyone", concepts=(verb_concept(verb), "c:nobody"))
    tense = (
        "présent" if verb.aspect == "state" and draw.chance(0.6) else draw.one(("présent", "passé composé", "futur"))
    )
    tense = "présent" if verb.english == "know" else tense
    english = english_clause(subject, said, english_tense(verb, tense), negative=True)
    return _negative(subject, said, tense, "personne", english)


def _negative(subject: Subject, said: Predicate, tense: str, negation: str, english: str) -> Sentence:
    french = french_clause(subject, said, tense, negation=negation)
    return sentence(french, english, concepts=(*subject.concepts, *said.concepts))


def nobody_does(draw: Draw) -> Sentence:
    """Personne ne répond."""
    verb = draw.verb(verbs.planned_negatable)
    if verb.reflexive:
        verb = draw.verb(verbs.moment)
    from_speaker = PRONOUNS[0]
    said = predicate(draw, verb, from_speaker, some="any", negated=True)
    french_subject = Subject("personne ne", "nobody", 2, 2, False, False, False)
    tense = draw.one(("présent", "passé composé", "futur")) if verb.aspect != "state" else "présent"
    french = french_clause(french_subject, said, tense)
    return sentence(
        french, english_clause(french_subject, said, english_tense(verb, tense)), concepts=(*said.concepts, "c:nobody")
    )
