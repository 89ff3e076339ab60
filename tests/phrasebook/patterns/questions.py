"""Questions: yes or no in three forms, and with every question word."""

from functools import cache

from tests.phrasebook.grammar.english_clause import english_clause
from tests.phrasebook.grammar.french_clause import french_clause
from tests.phrasebook.grammar.nominal import noun_phrase
from tests.phrasebook.grammar.predicate import Phrase, Predicate, Subject, join
from tests.phrasebook.lexicon import Noun, Verb, group
from tests.phrasebook.patterns import verbs
from tests.phrasebook.patterns.draw import PRONOUNS, Draw, matching
from tests.phrasebook.patterns.predicates import PAIRED, UNIQUE, predicate, verb_concept
from tests.phrasebook.patterns.sentence import Form, Sentence, clause, english_tense, sentence
from tests.phrasebook.patterns.statements import finished, subject_for, time_for

_FORMS: tuple[Form, ...] = ("intonation", "est-ce que", "inversion")
_YOU = tuple(subject for subject in PRONOUNS if subject.english == "you")


def asked(draw: Draw, verb: Verb) -> Subject:
    """A subject one asks about: mostly you, never I."""
    if "person" in verb.subjects and draw.chance(0.5):
        return draw.one(_YOU)
    subject = subject_for(draw, verb, on=False)
    while subject.english_person in ((0, 3) if verb.aspect == "state" else (0,)):
        subject = subject_for(draw, verb, on=False)
    return subject


def _yes_no(draw: Draw, form: Form) -> Sentence:
    tense = draw.one(("présent", "présent", "passé composé", "futur proche", "futur"))
    verb = draw.verb(
        {"présent": verbs.present_tense, "passé composé": verbs.happened_to_people}.get(tense, verbs.scheduled)
    )
    subject = asked(draw, verb)
    said = predicate(draw, verb, subject, some="some" if verb.english in ("want", "order", "eat", "drink") else "any")
    return finished(clause(subject, said, tense, form=form), "?")


def intonation(draw: Draw) -> Sentence:
    """Tu viens ?"""
    return _yes_no(draw, "intonation")


def est_ce_que(draw: Draw) -> Sentence:
    """Est-ce que tu viens ?"""
    return _yes_no(draw, "est-ce que")


def inversion(draw: Draw) -> Sentence:
    """Viens-tu ?"""
    return _yes_no(draw, "inversion")


def already_asked(draw: Draw) -> Sentence:
    """As-tu déjà mangé des huîtres ?"""
    verb = draw.verb(verbs.experience)
    subject = asked(draw, verb)
    while subject.english_person == 3:
        subject = asked(draw, verb)
    said = predicate(draw, verb, subject, some="", habitual=True, bare=0)
    form = draw.one(_FORMS)
    adverb = Phrase("déjà", "ever")
    return finished(clause(subject, said, "passé composé", form=form, adverb=adverb, english="perfect"), "?")


def worded(draw: Draw, word: Phrase, subject: Subject, said: Predicate, tense: str, *, last: bool = False) -> Sentence:
    """A question with the question word before est-ce que or an inversion, or at the end (`last`): tu vas où ?"""
    if last and draw.chance(0.25):
        statement = french_clause(subject, said, tense)
        asked_for = clause(subject, said, tense, form="intonation")
        concepts = asked_for.concepts + word.concepts
        return sentence(join(statement, word.french), join(word.english, asked_for.english), "?", concepts=concepts)
    result = clause(subject, said, tense, form=draw.one(("est-ce que", "inversion")))
    concepts = result.concepts + word.concepts
    return sentence(join(word.french, result.french), join(word.english, result.english), "?", concepts=concepts)


def _tense_for(draw: Draw) -> str:
    return draw.one(("présent", "passé composé", "futur", "futur proche"))


_PLACED = group("placed")


def _placed(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.english in _PLACED and verb.preposition is None


def where(draw: Draw) -> Sentence:
    """Où avez-vous acheté ce manteau ?"""
    verb = draw.verb(_placed)
    tense = _tense_for(draw) if "past" not in verb.tags and verb.aspect != "state" else "passé composé"
    subject = asked(draw, verb)
    said = predicate(draw, verb, subject, some="", habitual=True)
    return worded(draw, Phrase("où", "where"), subject, said, tense, last=True)


def _moving(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.french in (
        "aller",
        "voyager",
        "habiter",
        "vivre",
        "courir",
        "se cacher",
        "dormir",
    )


def where_to(draw: Draw) -> Sentence:
    """Où vas-tu ?"""
    verb = draw.verb(_moving)
    subject = asked(draw, verb)
    bare = Predicate(verb, concepts=(verb_concept(verb), "q:where"))
    tense = "présent" if verb.aspect == "state" else _tense_for(draw)
    return worded(draw, Phrase("où", "where"), subject, bare, tense, last=True)


def when(draw: Draw) -> Sentence:
    """Quand est-ce que le train part ?"""
    verb = draw.verb(verbs.expected)
    subject = asked(draw, verb)
    said = predicate(draw, verb, subject, habitual=True)
    at_an_hour = not verb.objects and verb.english not in ("get married", "move", "succeed") and draw.chance(0.6)
    word = Phrase("à quelle heure", "what time") if at_an_hour else Phrase("quand", "when")
    return worded(draw, word, subject, said, draw.one(("passé composé", "futur", "futur proche")))


_UNEXPLAINED = group("unexplained")


def _explained(verb: Verb) -> bool:
    return (
        verbs.negatable(verb)
        and verb.english not in _UNEXPLAINED
        and (verb.aspect != "state" or verbs.moment(verb) or verb.english in ("hate", "like", "refuse", "love"))
    )


def why(draw: Draw) -> Sentence:
    """Pourquoi pleures-tu ?"""
    verb = draw.verb(_explained)
    subject = asked(draw, verb)
    said = predicate(draw, verb, subject, some="")
    tense = "présent" if verb.aspect == "state" or draw.chance(0.6) else "passé composé"
    return worded(draw, Phrase("pourquoi", "why"), subject, said, tense)


def why_not(draw: Draw) -> Sentence:
    """Pourquoi ne manges-tu pas ?"""
    verb = draw.verb(_explained)
    subject = asked(draw, verb)
    said = predicate(draw, verb, subject, some="any", negated=True)
    result = clause(subject, said, "présent", form=draw.one(("est-ce que", "inversion")), negation="pas")
    return sentence(f"pourquoi {result.french}", f"why {result.english}", "?", concepts=result.concepts)


def _made(verb: Verb) -> bool:
    made = {
        "repair",
        "build",
        "make",
        "learn",
        "solve",
        "paint",
        "win",
        "find",
        "open",
        "explain",
        "go",
        "lose",
        "break",
        "meet",
    }
    return verbs.by_person(verb) and verb.english in made


def how(draw: Draw) -> Sentence:
    """Comment avez-vous réparé la voiture ?"""
    verb = draw.verb(_made)
    subject = asked(draw, verb)
    said = predicate(draw, verb, subject, some="", habitual=True, bare=0)
    tense = "passé composé" if "past" in verb.tags or draw.chance(0.5) else draw.one(("futur", "futur proche"))
    return worded(draw, Phrase("comment", "how"), subject, said, tense)


_ASKED_ABOUT = group("asked_about")


def _asked_about(verb: Verb) -> bool:
    return verbs.by_person(verb) and bool(verb.objects) and verb.english in _ASKED_ABOUT and "optional" not in verb.tags


def what(draw: Draw) -> Sentence:
    """Qu'est-ce que tu cherches ?"""
    verb = draw.verb(_asked_about)
    past = "past" in verb.tags
    tense = "passé composé" if past else _tense_for(draw) if verb.aspect != "state" else "présent"
    subject = asked(draw, verb)
    bare = Predicate(verb, concepts=(verb_concept(verb), f"q:what {tense}"))
    form: Form = "inversion" if subject.bare and draw.chance(0.4) else "est-ce que"
    when_ = time_for(draw, verb, "time_past") if tense == "passé composé" and draw.chance(0.6) else Phrase("", "")
    result = clause(subject, bare, tense, form=form, tail=when_)
    return sentence(f"que {result.french}", f"what {result.english}", "?", concepts=result.concepts)


def who(draw: Draw) -> Sentence:
    """Qui a cassé le vase ?"""
    tense = draw.one(("présent", "passé composé", "passé composé", "futur proche"))
    verb = draw.verb(
        {"présent": verbs.present_tense, "passé composé": verbs.happened_to_people}.get(tense, verbs.planned)
    )
    while "person" not in verb.subjects or verb.reflexive:
        verb = draw.verb(verbs.present_tense if tense == "présent" else verbs.planned)
    subject = Subject("qui", "who", 2, 2, False, False, False)
    # What the unknown person acts on is mine: his or her would be a guess.
    said = predicate(draw, verb, PRONOUNS[0], habitual=True)
    french = french_clause(subject, said, tense)
    english = english_clause(subject, said, english_tense(verb, tense))
    return sentence(french, english, "?", concepts=said.concepts)


_WITH_WHOM = group("with_whom")


def _meets_people(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.english in _WITH_WHOM and bool({"person", "family"} & set(verb.objects))


def whom(draw: Draw) -> Sentence:
    """Qui est-ce que tu attends ?"""
    verb = draw.verb(_meets_people)
    subject = asked(draw, verb)
    tense = "présent" if verb.aspect == "state" else _tense_for(draw)
    bare = Predicate(verb, concepts=(verb_concept(verb), f"q:who {tense}"))
    form: Form = "inversion" if subject.bare and draw.chance(0.4) else "est-ce que"
    result = clause(subject, bare, tense, form=form)
    return sentence(f"qui {result.french}", f"who {result.english}", "?", concepts=result.concepts)


def _about_people(verb: Verb) -> bool:
    people = ("person", "family")
    return (
        verbs.by_person(verb)
        and verb.preposition is not None
        and verb.preposition[0] in ("à", "avec")
        and not verb.objects
        and any(tag in verb.complements for tag in people)
        and bool(verb.preposition[1])
    )


def with_whom(draw: Draw) -> Sentence:
    """Avec qui dansez-vous ?"""
    verb = draw.verb(_about_people)
    assert verb.preposition is not None
    french, english = verb.preposition
    subject = asked(draw, verb)
    tense = "présent" if verb.aspect == "state" else _tense_for(draw)
    bare = Predicate(verb, english_tail=english, concepts=(verb_concept(verb), f"q:who {tense}"))
    result = clause(subject, bare, tense, form=draw.one(("est-ce que", "inversion")))
    return sentence(f"{french} qui {result.french}", f"who {result.english}", "?", concepts=result.concepts)


def _countable(verb: Verb) -> bool:
    return (
        verbs.by_person(verb)
        and verb.english in ("buy", "eat", "see", "read", "sell", "write", "have", "drink", "order")
        and not ("dish" in verb.objects and verb.english == "have")
    )


def how_many(draw: Draw) -> Sentence:
    """Combien de livres as-tu lus ?"""
    verb = draw.verb(_countable)
    subject = asked(draw, verb)
    noun = draw.noun(*verb.objects)
    while noun.tags & {"person", "profession", "abstract", "building", "room", "outdoors"}:
        noun = draw.noun(*verb.objects)
    tense = "présent" if verb.english == "have" else draw.one(("passé composé", "futur proche"))
    counted = noun_phrase(noun, "bare", plural=not noun.mass)
    agreement = (noun.feminine, not noun.mass)
    bare = Predicate(verb, agreement=agreement, concepts=(verb_concept(verb), *counted.concepts))
    result = clause(subject, bare, tense, form=draw.one(("est-ce que", "inversion")))
    quantity = "how much" if noun.mass else "how many"
    return sentence(
        f"combien de {counted.french} {result.french}",
        f"{quantity} {counted.english} {result.english}",
        "?",
        concepts=result.concepts,
    )


_UNCHOSEN = frozenset({"language", "sport", "school_subject", "person", "profession", "family"})


@cache
def _choices(verb: Verb) -> tuple[Noun, ...]:
    """The nouns among which one chooses an object of the verb."""
    nouns = matching(verb.objects)
    return tuple(noun for noun in nouns if not (noun.mass or noun.tags & _UNCHOSEN or noun.english in UNIQUE))


def _chosen_from(verb: Verb) -> bool:
    if not verbs.transitive(verb) or verb.preposition or verb.aspect in ("state", "habit") or "person" in verb.objects:
        return False
    return verb.english not in ("kiss", "have", "tell", "count") and bool(_choices(verb))


def which(draw: Draw) -> Sentence:
    """Quelle robe vas-tu porter ?"""
    verb = draw.verb(_chosen_from)
    subject = asked(draw, verb)
    noun = draw.one(_choices(verb))
    plural = noun.english in PAIRED or draw.chance(0.2)
    chosen = noun_phrase(noun, "bare", plural=plural)
    bare = Predicate(verb, agreement=(noun.feminine, plural), concepts=(verb_concept(verb), *chosen.concepts))
    tense = draw.one(("passé composé", "futur", "futur proche"))
    result = clause(subject, bare, tense, form=draw.one(("est-ce que", "inversion")))
    word = ("quelle" if noun.feminine else "quel") + ("s" if plural else "")
    return sentence(
        f"{word} {chosen.french} {result.french}",
        f"which {chosen.english} {result.english}",
        "?",
        concepts=result.concepts,
    )
