"""What for, before and after what, while doing what, since when and how long."""

from functools import cache

from tests.phrasebook import lexicon
from tests.phrasebook.grammar.conjugation import agree, conjugate, past_participle
from tests.phrasebook.grammar.english_clause import english_clause, verb_form
from tests.phrasebook.grammar.french_clause import french_clause, infinitive
from tests.phrasebook.grammar.numerals import counted
from tests.phrasebook.grammar.predicate import Phrase, join
from tests.phrasebook.lexicon import Verb, group
from tests.phrasebook.patterns import verbs
from tests.phrasebook.patterns.draw import Draw
from tests.phrasebook.patterns.predicates import predicate
from tests.phrasebook.patterns.sentence import Sentence, clause, sentence
from tests.phrasebook.patterns.statements import subject_for

# Where one goes or stays, and what for.
_ERRANDS = (
    (
        frozenset({"go out", "leave"}),
        frozenset(
            {
                "buy",
                "meet",
                "walk",
                "smoke",
                "look for",
                "call",
                "go shopping",
                "run",
                "go swimming",
                "have lunch",
                "work",
                "talk",
            }
        ),
    ),
    (
        frozenset({"stay at home", "go home", "come back"}),
        frozenset(
            {
                "sleep",
                "rest",
                "cook",
                "study",
                "work",
                "relax",
                "do the dishes",
                "have dinner",
                "watch TV",
                "do the laundry",
                "write",
                "read",
                "watch",
                "clean the house",
                "help",
                "repair",
                "finish",
            }
        ),
    ),
    (
        frozenset({"get up"}),
        frozenset(
            {
                "work",
                "study",
                "have breakfast",
                "take the train",
                "run",
                "feed",
                "close",
                "turn * off",
                "open",
                "answer",
            }
        ),
    ),
)


@cache
def _done_for(going: frozenset[str], bare: bool) -> tuple[Verb, ...]:
    return tuple(
        verb
        for verb in lexicon.verbs()
        if verbs.by_person(verb) and verb.english in going and verb.aspect != "state" and not (bare and verb.objects)
    )


def in_order_to(draw: Draw) -> Sentence:
    """Elle est sortie pour acheter du pain."""
    subject = draw.subject()
    goings, aims = draw.one(_ERRANDS)
    going = predicate(draw, draw.one(_done_for(goings, True)), subject, bare=1)
    aim = predicate(draw, draw.one(_done_for(aims, False)), subject)
    result = clause(subject, going, draw.one(("passé composé", "futur", "futur proche", "présent")))
    concepts = (*result.concepts, *aim.concepts)
    return sentence(
        f"{result.french} pour {infinitive(subject, aim)}",
        f"{result.english} to {verb_form(aim, 'base')}",
        concepts=concepts,
    )


_LEAVING = frozenset({"leave", "go out", "go home", "go to bed"})
_LEFT_UNDONE = group("left_undone")


def before_or_without(draw: Draw) -> Sentence:
    """Il est parti sans fermer la porte."""
    subject = draw.subject()
    without = draw.chance(0.4)
    french, english = ("sans", "without") if without else ("avant de", "before")
    first = draw.one(_done_for(_LEAVING, True)) if without else draw.verb(_before)
    second = draw.one(_done_for(_LEFT_UNDONE, False)) if without else draw.verb(_before)
    while second.english == first.english:
        second = draw.verb(_before)
    start = predicate(draw, first, subject, bare=1)
    other = predicate(draw, second, subject, some="any" if without else "some", bare=1)
    result = clause(subject, start, draw.one(("passé composé", "futur", "futur proche")))
    return sentence(
        f"{result.french} {french} {infinitive(subject, other)}",
        f"{result.english} {english} {verb_form(other, 'gerund')}",
        concepts=(*result.concepts, *other.concepts, f"l:{english}"),
    )


_BEFORE = group("before")


def _before(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.english in _BEFORE and "past" not in verb.tags and verb.aspect != "state"


def after_having(draw: Draw) -> Sentence:
    """Après avoir mangé, il a dormi."""
    subject = draw.subject()
    first, second = draw.verb(_before), draw.verb(_before)
    while second.english == first.english:
        second = draw.verb(_before)
    done = predicate(draw, first, subject, bare=1)
    head, _, fixed = first.french.partition(" ")
    essential = first.auxiliary == "être" or first.reflexive
    participle = past_participle(head)
    if essential:
        participle = agree(participle, feminine=subject.feminine, plural=subject.plural)
    auxiliary = "être" if essential else "avoir"
    having = join("après", subject.reflexive if first.reflexive else "", auxiliary, participle, fixed, done.french_tail)
    result = clause(subject, predicate(draw, second, subject, bare=1), draw.one(("passé composé", "futur")))
    concepts = (*result.concepts, *done.concepts, "l:after")
    return sentence(
        f"{having}, {result.french}", f"after {verb_form(done, 'gerund')}, {result.english}", concepts=concepts
    )


_MEANWHILE = group("meanwhile")
_OCCUPIED = group("occupied")


def while_doing(draw: Draw) -> Sentence:
    """Elle chante en travaillant."""
    subject = draw.subject(on=True)
    first, second = draw.one(_done_for(_MEANWHILE, False)), draw.one(_done_for(_OCCUPIED, False))
    said = clause(subject, predicate(draw, first, subject, bare=1), draw.one(("présent", "passé composé", "imparfait")))
    other = predicate(draw, second, subject, bare=1)
    head, _, fixed = second.french.partition(" ")
    participle = conjugate(head, "présent")[3].removesuffix("ons") + "ant"
    french = join("en", participle, fixed, other.french_tail)
    return sentence(
        f"{said.french} {french}",
        f"{said.english} while {verb_form(other, 'gerund')}",
        concepts=(*said.concepts, *other.concepts, "l:while"),
    )


# How long what goes on goes on.
_YEARS = frozenset({"learn", "study", "live", "know", "train"})
_HOURS = group("hours")
_UNITS = {
    "years": (("ans", "years"), ("mois", "months")),
    "hours": (("minutes", "minutes"), ("heures", "hours")),
    "days": (("jours", "days"), ("semaines", "weeks"), ("mois", "months")),
}


def _enduring(verb: Verb) -> bool:
    once = verb.english == "learn" and "definite" in verb.tags
    return verbs.by_person(verb) and not once and verb.english in _YEARS | _HOURS | {"work", "be on vacation"}


def _duration(draw: Draw, verb: Verb) -> Phrase:
    """A length of time that suits the verb, without its depuis or pendant."""
    french, english = draw.one(
        _UNITS["years" if verb.english in _YEARS else "hours" if verb.english in _HOURS else "days"]
    )
    number = counted(
        draw.number(2, 45 if english == "minutes" else 12), feminine=french in ("semaines", "heures", "minutes")
    )
    return Phrase(f"{number.french} {french}", f"{number.english} {english}", (*number.concepts, f"u:{english}"))


def since(draw: Draw) -> Sentence:
    """J'apprends le russe depuis trois ans."""
    verb = draw.verb(_enduring)
    subject = subject_for(draw, verb)
    said = predicate(draw, verb, subject, habitual=True)
    length = _duration(draw, verb)
    english = english_clause(subject, said, "perfect" if verb.aspect == "state" else "perfect progressive")
    concepts = (*subject.concepts, *said.concepts, *length.concepts)
    return sentence(
        f"{french_clause(subject, said, 'présent')} depuis {length.french}",
        f"{english} for {length.english}",
        concepts=concepts,
    )


def for_a_while(draw: Draw) -> Sentence:
    """Nous avons marché pendant deux heures."""
    verb = draw.verb(_enduring)
    while verb.aspect == "state":
        verb = draw.verb(_enduring)
    subject = subject_for(draw, verb)
    length = _duration(draw, verb)
    french, english = length.french, length.english
    result = clause(
        subject, predicate(draw, verb, subject, habitual=True), draw.one(("passé composé", "futur", "futur proche"))
    )
    return sentence(
        f"{result.french} pendant {french}",
        f"{result.english} for {english}",
        concepts=(*result.concepts, *length.concepts),
    )
