"""A verb that governs another: want to, can, must, try to, help to."""

from tests.phrasebook.grammar.conjugation import conjugate
from tests.phrasebook.grammar.english_clause import english_clause, verb_form
from tests.phrasebook.grammar.french_clause import infinitive
from tests.phrasebook.grammar.predicate import Predicate, Subject, join
from tests.phrasebook.lexicon import Verb, group
from tests.phrasebook.patterns import verbs
from tests.phrasebook.patterns.draw import PRONOUNS, Draw
from tests.phrasebook.patterns.predicates import predicate
from tests.phrasebook.patterns.questions import asked
from tests.phrasebook.patterns.sentence import Form, Sentence, clause, infinitive_phrase, sentence
from tests.phrasebook.patterns.statements import finished

_SKILLS = group("skills")
_DIFFICULT_TO_WANT = group("difficult_to_want")
_UNDERTAKEN = group("undertaken")
_PHASED = group("phased")
_FORGOTTEN = group("forgotten")


def _doable(verb: Verb) -> bool:
    return (
        verbs.by_person(verb)
        and "past" not in verb.tags
        and verb.aspect in ("activity", "event")
        and verb.english not in _DIFFICULT_TO_WANT
    )


def _skill(verb: Verb) -> bool:
    return (
        verbs.by_person(verb)
        and verb.english in _SKILLS
        and verb.aspect in ("activity", "habit")
        and "affirmative" not in verb.tags
    )


def _undertaken(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.english in _UNDERTAKEN


def _phased(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.english in _PHASED and verb.aspect != "state"


def _forgotten(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.english in _FORGOTTEN and verb.aspect in ("activity", "event")


def _pastime(verb: Verb) -> bool:
    """Done again and again, and so liked or hated."""
    return verbs.routine(verb) and verb.aspect == "activity" and verb.english not in _DIFFICULT_TO_WANT


_GOVERNED = {
    "know how": _skill,
    "learn": _skill,
    "try": _undertaken,
    "manage": _undertaken,
    "start": _phased,
    "keep": _phased,
    "stop": _phased,
    "finish": _undertaken,
    "forget": _forgotten,
    "be": _phased,
    "avoid": _pastime,
    "be used": _pastime,
    "like": _pastime,
    "love": _pastime,
    "hate": _pastime,
    "prefer": _pastime,
}
_DENIED = group("denied")
_ENDED = group("ended")


def _ended(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.english in _ENDED and verb.aspect != "state"


def _any_governor(verb: Verb) -> bool:
    return verb.infinitive is not None


def _governed_verb(draw: Draw, governor: Verb) -> Verb:
    if governor.english == "finish":
        return draw.verb(_ended)
    return draw.verb(_GOVERNED.get(governor.english, _doable))


def _chain(draw: Draw, governor: Verb, subject: Subject, *, negated: bool = False) -> Predicate:
    verb = _governed_verb(draw, governor)
    negated = negated and governor.english not in ("like", "be used", "be scared")
    habitual = governor.english in ("know how", "learn", "like", "love", "hate", "prefer", "be used", "avoid")
    some = "any" if negated and not habitual else "" if habitual else "some"
    governed = predicate(draw, verb, subject, some=some, habitual=habitual, negated=negated)
    return infinitive_phrase(subject, governor, governed)


def governed(draw: Draw) -> Sentence:
    """Je veux apprendre le japonais."""
    governor = draw.verb(_any_governor)
    subject = draw.subject()
    said = _chain(draw, governor, subject)
    if "past" in governor.tags:
        return finished(clause(subject, said, draw.one(("passé composé", "passé composé", "futur"))))
    return finished(clause(subject, said, "présent"))


def governed_before(draw: Draw) -> Sentence:
    """Elle n'a pas réussi à ouvrir la porte."""
    governor = draw.verb(_any_governor)
    while governor.english in ("promise", "keep", "hesitate"):
        governor = draw.verb(_any_governor)
    subject = draw.subject()
    if governor.aspect == "state":
        negation = "pas" if governor.english in _DENIED and draw.chance(0.3) else ""
        said = _chain(draw, governor, subject, negated=bool(negation))
        return finished(clause(subject, said, "imparfait", negation=negation))
    negation = "pas" if draw.chance(0.4) else ""
    said = _chain(draw, governor, subject, negated=bool(negation))
    return finished(clause(subject, said, "passé composé", negation=negation))


def governed_negative(draw: Draw) -> Sentence:
    """Je n'ai pas envie de sortir."""
    governor = draw.verb(_any_governor)
    while governor.english not in _DENIED:
        governor = draw.verb(_any_governor)
    subject = draw.subject()
    negation = (
        draw.one(("pas", "pas", "pas", "plus")) if governor.english in ("want", "like", "feel like", "need") else "pas"
    )
    return finished(clause(subject, _chain(draw, governor, subject, negated=True), "présent", negation=negation))


def governed_question(draw: Draw) -> Sentence:
    """Voulez-vous danser ?"""
    governor = draw.verb(_any_governor)
    while governor.english not in _DENIED and governor.english not in ("have", "learn", "try", "prefer", "hope"):
        governor = draw.verb(_any_governor)
    subject = asked(draw, governor)
    form: Form = draw.one(("intonation", "est-ce que", "inversion"))
    return finished(clause(subject, _chain(draw, governor, subject), "présent", form=form), "?")


def would_like(draw: Draw) -> Sentence:
    """J'aimerais visiter ce château."""
    subject = draw.subject(on=True)
    french = draw.one(("vouloir", "aimer"))
    governor = Verb(french, "like", infinitive=("", "to"))
    form: Form = (
        draw.one(("statement", "statement", "intonation", "est-ce que", "inversion"))
        if subject.english_person not in (0, 3)
        else "statement"
    )
    verb = draw.verb(_doable)
    said = infinitive_phrase(subject, governor, predicate(draw, verb, subject))
    return finished(clause(subject, said, "conditionnel", form=form), "." if form == "statement" else "?")


# French modal and tense, English auxiliary, whether it is also denied and asked.
_MODALS = (
    ("pouvoir", "présent", "can"),
    ("pouvoir", "présent", "can"),
    ("pouvoir", "imparfait", "could"),
    ("pouvoir", "conditionnel", "could"),
    ("pouvoir", "futur", "will be able to"),
    ("devoir", "conditionnel", "should"),
    ("devoir", "conditionnel", "should"),
)


def modal(draw: Draw) -> Sentence:
    """Tu devrais dormir."""
    french, tense, english = draw.one(_MODALS)
    verb = draw.verb(_doable)
    subject = draw.subject(on=True)
    negative = draw.chance(0.3)
    said = predicate(draw, verb, subject, some="any" if negative else "some", negated=negative)
    finite = conjugate(french, tense)[subject.french_person]
    told = english_clause(subject, said, english, negative=negative)
    spoken = join(
        subject.french, "ne" if negative else "", finite, "pas" if negative else "", infinitive(subject, said)
    )
    return sentence(spoken, told, concepts=(*subject.concepts, *said.concepts, f"v:{english}"))


def modal_question(draw: Draw) -> Sentence:
    """Pouvez-vous ouvrir la fenêtre ?"""
    french, tense, english = draw.one(
        (
            ("pouvoir", "présent", "can"),
            ("pouvoir", "présent", "can"),
            ("pouvoir", "conditionnel", "could"),
            ("devoir", "conditionnel", "should"),
        )
    )
    verb = draw.verb(_doable)
    subject = draw.one(PRONOUNS[2:])
    said = predicate(draw, verb, subject)
    finite = conjugate(french, tense)[subject.french_person]
    told = english_clause(subject, said, english, question=True)
    form = draw.number(0, 2)
    if form == 0:
        euphonic = "-t-" if finite[-1] in "ae" and subject.french_person == 2 else "-"
        spoken = f"{finite}{euphonic}{subject.french} {infinitive(subject, said)}"
    else:
        spoken = f"{'est-ce que ' if form == 1 else ''}{subject.french} {finite} {infinitive(subject, said)}"
    return sentence(spoken, told, "?", concepts=(*said.concepts, f"v:{english}"))


def obligation_past(draw: Draw) -> Sentence:
    """Nous avons dû attendre le bus."""
    verb = draw.verb(_doable)
    subject = draw.subject()
    said = predicate(draw, verb, subject)
    had = Verb("devoir", "have", past="had", infinitive=("", "to"))
    return finished(
        clause(subject, infinitive_phrase(subject, had, said), draw.one(("passé composé", "futur", "futur proche")))
    )


_AIDED = group("aided")


def _aided(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.english in _AIDED and verb.aspect != "state"


def help_to(draw: Draw) -> Sentence:
    """J'aide mon père à réparer la voiture."""
    helper = draw.subject(on=True)
    person = draw.someone(subject=helper)
    while person.english == helper.english:
        person = draw.someone(subject=helper)
    done = predicate(draw, draw.verb(_aided), helper)
    while f" {done.english_object} ".startswith((" my ", " your ", " his ", " her ", " our ", " their ")):
        done = predicate(draw, draw.verb(_aided), helper)
    aid = Verb("aider", "help", aspect="activity")
    concepts = ("v:help", *person.concepts, *done.concepts)
    said = Predicate(
        aid,
        f"{person.french} à {infinitive(helper, done)}",
        f"{person.english} {verb_form(done, 'base')}",
        concepts=concepts,
    )
    return finished(clause(helper, said, draw.one(("présent", "passé composé", "futur", "futur proche"))))
