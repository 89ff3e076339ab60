"""Conditions: if there were time, if it rains, in your place."""

from functools import cache

from tests.phrasebook import lexicon
from tests.phrasebook.grammar.predicate import Phrase, Predicate, Subject
from tests.phrasebook.lexicon import Verb, group
from tests.phrasebook.patterns import verbs
from tests.phrasebook.patterns.being import is_adjective
from tests.phrasebook.patterns.draw import PRONOUNS, Draw, adjectives, pronoun_for
from tests.phrasebook.patterns.predicates import predicate
from tests.phrasebook.patterns.sentence import Sentence, clause, sentence
from tests.phrasebook.patterns.statements import subject_for

_RESTING = frozenset({"rest", "sleep", "stay at home", "go to bed", "go home"})
# What must hold, and what one does if it does.
_MEANS = (
    ("avoir le temps", "have time", group("if_there_is_time")),
    ("avoir de l'argent", "have money", frozenset({"travel", "buy", "move", "rent"})),
    ("avoir faim", "be hungry", frozenset({"eat", "cook", "make", "order", "have"})),
    ("avoir soif", "be thirsty", frozenset({"drink"})),
    ("", "tired", _RESTING),
    ("", "sick", _RESTING),
)


@cache
def _done(english: frozenset[str]) -> tuple[Verb, ...]:
    return tuple(
        verb
        for verb in lexicon.verbs()
        if verbs.by_person(verb) and verb.english in english and verb.aspect != "state" and verb.french != "avoir"
    )


def _condition(draw: Draw, subject: Subject, tense: str) -> tuple[Phrase, Verb]:
    """What must hold, in présent or imparfait, and a verb for what then follows."""
    french, english, consequences = draw.one(_MEANS)
    if french:
        past = "had" if english.startswith("have") else ""
        having = Verb(french, english, past=past)
        said = Predicate(having, concepts=(f"v:{english}",))
    else:
        said = is_adjective(subject, next(state for state in adjectives("state") if state.english == english))
    held = clause(subject, said, tense)
    # What is imagined takes were in every person.
    imagined = f"{held.english} ".replace(" was ", " were ").rstrip()
    return Phrase(f"si {held.french}", f"if {imagined}", held.concepts), draw.one(_done(consequences))


def if_it_were_so(draw: Draw) -> Sentence:
    """Si j'avais le temps, j'apprendrais le russe."""
    subject = draw.subject()
    resumed = subject if subject.bare else pronoun_for(subject)
    real, result_first = draw.chance(0.4), draw.chance(0.35)
    condition, verb = _condition(draw, resumed if result_first else subject, "présent" if real else "imparfait")
    doer = subject if result_first else resumed
    result = clause(doer, predicate(draw, verb, doer), "futur" if real else "conditionnel")
    concepts = (*condition.concepts, *result.concepts, "l:if")
    if result_first:
        return sentence(
            f"{result.french} {condition.french}", f"{result.english} {condition.english}", concepts=concepts
        )
    return sentence(f"{condition.french}, {result.french}", f"{condition.english}, {result.english}", concepts=concepts)


_SKIES = (
    ("s'il pleut", "if it rains", "r"),
    ("s'il fait beau", "if the weather is nice", "s"),
    ("s'il neige", "if it snows", "r"),
    ("s'il fait froid", "if it's cold", "r"),
    ("s'il y a du soleil", "if it's sunny", "s"),
    ("s'il fait chaud", "if it's hot", "s"),
)
_INDOORS = group("indoors")
_OUTDOORS = group("outdoors")


def _indoors(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.english in _INDOORS and not ({"=football", "=golf"} & set(verb.complements))


def _outdoors(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.english in _OUTDOORS


def if_the_weather(draw: Draw) -> Sentence:
    """S'il pleut, nous resterons à la maison."""
    french, english, kind = draw.one(_SKIES)
    verb = draw.verb(_indoors if kind == "r" else _outdoors)
    subject = subject_for(draw, verb)
    result = clause(
        subject, predicate(draw, verb, subject, habitual=True), draw.one(("futur", "futur", "futur proche"))
    )
    concepts = (*result.concepts, f"w:{english}")
    if draw.chance(0.4):
        return sentence(f"{result.french} {french}", f"{result.english} {english}", concepts=concepts)
    return sentence(f"{french}, {result.french}", f"{english}, {result.english}", concepts=concepts)


def in_your_place(draw: Draw) -> Sentence:
    """À ta place, je vendrais la voiture."""
    french, english, person = draw.one(
        (
            ("à ta place", "if I were you", "you"),
            ("à votre place", "if I were you", "you"),
            ("à sa place", "if I were him", "him"),
            ("à leur place", "if I were them", "them"),
        )
    )
    verb = draw.verb(verbs.scheduled)
    while "person" not in verb.subjects:
        verb = draw.verb(verbs.scheduled)
    negation = "pas" if draw.chance(0.35) and "affirmative" not in verb.tags else ""
    subject = PRONOUNS[0]
    said = predicate(draw, verb, subject, some="any" if negation else "some", negated=bool(negation), habitual=True)
    result = clause(subject, said, "conditionnel", negation=negation)
    return sentence(
        f"{french}, {result.french}", f"{english}, {result.english}", concepts=(*result.concepts, f"c:{person}")
    )
