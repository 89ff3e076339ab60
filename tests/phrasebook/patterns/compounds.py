"""Two clauses in one sentence: when, because, but, that; what went on when something happened; what used to be."""

from dataclasses import replace
from functools import cache

from tests.phrasebook import lexicon
from tests.phrasebook.grammar.english_clause import english_clause
from tests.phrasebook.grammar.french_clause import french_clause
from tests.phrasebook.grammar.predicate import Phrase, Predicate, Subject, join
from tests.phrasebook.lexicon import Verb, group
from tests.phrasebook.patterns import verbs
from tests.phrasebook.patterns.being import is_adjective
from tests.phrasebook.patterns.draw import PRONOUNS, Draw, pronoun_for
from tests.phrasebook.patterns.predicates import predicate
from tests.phrasebook.patterns.sentence import Sentence, clause, sentence
from tests.phrasebook.patterns.statements import subject_for

_EVENTS = (
    ("le téléphone a sonné", "the phone rang", "n:phone"),
    ("l'orage a commencé", "the thunderstorm started", "n:thunderstorm"),
    ("le bus est arrivé", "the bus arrived", "n:bus"),
    ("la lampe s'est éteinte", "the lamp went out", "n:lamp"),
    ("la pluie a commencé", "the rain started", "n:rain"),
    ("le réveil a sonné", "the alarm clock rang", "n:alarm clock"),
    ("le chien a aboyé", "the dog barked", "n:dog"),
)
_ARRIVALS = (
    ("entrer", "come in", "came"),
    ("arriver", "arrive", "arrived"),
    ("rentrer", "come home", "came"),
    ("appeler", "call", "called"),
)


def _interruption(draw: Draw, subject: Subject) -> Phrase:
    """What happened while `subject` was busy."""
    if draw.chance(0.4):
        french, english, concept = draw.one(_EVENTS)
        return Phrase(french, english, (concept,))
    other = draw.subject()
    while other.english_person % 3 == subject.english_person % 3:
        other = draw.subject()
    infinitive, english, past = draw.one(_ARRIVALS)
    auxiliary = "avoir" if infinitive == "appeler" else "être"
    said = Predicate(
        Verb(infinitive, english, auxiliary=auxiliary, past=past, aspect="event"),
        concepts=(f"v:{english}",),
    )
    return Phrase(
        french_clause(other, said, "passé composé"),
        english_clause(other, said, "past"),
        (*other.concepts, *said.concepts),
    )


def interrupted(draw: Draw) -> Sentence:
    """Je dormais quand le téléphone a sonné."""
    verb = draw.verb(verbs.ongoing)
    while "person" not in verb.subjects:
        verb = draw.verb(verbs.ongoing)
    subject = subject_for(draw, verb)
    ongoing = clause(subject, predicate(draw, verb, subject), "imparfait")
    event = _interruption(draw, subject)
    concepts = (*ongoing.concepts, *event.concepts, "l:when")
    if draw.chance(0.3):
        return sentence(
            f"quand {event.french}, {ongoing.french}", f"when {event.english}, {ongoing.english}", concepts=concepts
        )
    return sentence(
        f"{ongoing.french} quand {event.french}", f"{ongoing.english} when {event.english}", concepts=concepts
    )


def already_over(draw: Draw) -> Sentence:
    """Quand je suis arrivé, elle avait déjà mangé."""
    verb = draw.verb(verbs.expected)
    subject = subject_for(draw, verb)
    said = clause(subject, predicate(draw, verb, subject), "plus-que-parfait", adverb=Phrase("déjà", "already"))
    event = _interruption(draw, subject)
    return sentence(
        f"quand {event.french}, {said.french}",
        f"when {event.english}, {said.english}",
        concepts=(*said.concepts, *event.concepts, "l:when"),
    )


def had_done(draw: Draw) -> Sentence:
    """Il n'avait jamais vu la mer."""
    verb = draw.verb(verbs.experience)
    subject = draw.subject(on=True)
    said = predicate(draw, verb, subject, some="", negated=True, habitual=True, bare=0)
    result = clause(subject, said, "plus-que-parfait", negation="jamais")
    tail = draw.one((Phrase("", ""), Phrase("avant ce jour-là", "before that day", ("t:before that day",))))
    return sentence(
        join(result.french, tail.french),
        join(result.english, tail.english),
        concepts=(*result.concepts, *tail.concepts),
    )


_CHILDHOOD = group("childhood")
_FORMERLY = group("formerly")


def _childish(verb: Verb) -> bool:
    return (
        verbs.by_person(verb)
        and verb.english in _CHILDHOOD
        and verb.french not in ("visiter", "entrer")
        and (verb.aspect != "state" or verb.english == "be scared")
        and "affirmative" not in verb.tags
    )


def _dropped(verb: Verb) -> bool:
    return verbs.by_person(verb) and verb.english in _FORMERLY and verb.aspect != "state"


_CHILD = (
    (PRONOUNS[0], "quand j'étais petit", "when I was little"),
    (PRONOUNS[1], "quand j'étais petite", "when I was little"),
    (PRONOUNS[4], "quand il était petit", "when he was little"),
    (PRONOUNS[5], "quand elle était petite", "when she was little"),
    (PRONOUNS[6], "quand nous étions petits", "when we were little"),
    (PRONOUNS[11], "quand ils étaient jeunes", "when they were young"),
    (PRONOUNS[0], "quand j'étais étudiant", "when I was a student"),
    (PRONOUNS[4], "quand il était jeune", "when he was young"),
    (PRONOUNS[5], "quand elle était étudiante", "when she was a student"),
)


def as_a_child(draw: Draw) -> Sentence:
    """Quand j'étais petit, j'allais souvent à la plage."""
    subject, french, english = draw.one(_CHILD)
    verb = draw.verb(_childish)
    said = predicate(draw, verb, subject, habitual=True)
    result = clause(subject, said, "imparfait", english="used to")
    concepts = (*result.concepts, f"t:{english}")
    if draw.chance(0.3):
        return sentence(f"{result.french} {french}", f"{result.english} {english}", concepts=concepts)
    return sentence(f"{french}, {result.french}", f"{english}, {result.english}", concepts=concepts)


def formerly(draw: Draw) -> Sentence:
    """Avant, elle fumait."""
    verb = draw.verb(_dropped)
    subject = draw.subject(on=True)
    result = clause(subject, predicate(draw, verb, subject, habitual=True), "imparfait", english="used to")
    return sentence(f"avant, {result.french}", result.english, concepts=result.concepts)


_STATES_FOR = (
    (frozenset({"be hungry"}), frozenset({"eat", "cook", "have", "make", "order"})),
    (frozenset({"be thirsty"}), frozenset({"drink"})),
    (frozenset({"be sleepy"}), frozenset({"go to bed", "sleep", "go home", "rest"})),
    (
        frozenset({"have a headache", "have a fever", "have a stomachache"}),
        frozenset({"stay at home", "rest", "go to bed", "go home", "sleep"}),
    ),
    (frozenset({"be cold"}), frozenset({"put * on", "go home", "run"})),
    (frozenset({"be late"}), frozenset({"hurry up", "run", "apologize", "take the bus", "drive"})),
)


def because(draw: Draw) -> Sentence:
    """Elle mange parce qu'elle a faim."""
    states, acts = draw.one(_STATES_FOR)
    subject = draw.subject()
    again = subject if subject.bare else pronoun_for(subject)
    reason_verb = draw.one(_verbs_among(states))
    verb = draw.one(_verbs_among(acts))
    past = draw.chance(0.4)
    said = clause(subject, predicate(draw, verb, subject), "passé composé" if past else "présent")
    reason = clause(again, predicate(draw, reason_verb, subject), "imparfait" if past else "présent")
    return sentence(
        f"{said.french} parce que {reason.french}",
        f"{said.english} because {reason.english}",
        concepts=(*said.concepts, *reason.concepts, "l:because"),
    )


@cache
def _verbs_among(english: frozenset[str]) -> tuple[Verb, ...]:
    listed = [
        verb
        for verb in lexicon.verbs()
        if verbs.by_person(verb) and verb.english in english and "past" not in verb.tags and verb.french != "avoir"
    ]
    return tuple(verb for verb in listed if not (verb.english == "close" and "=livre" not in verb.objects))


def but(draw: Draw) -> Sentence:
    """Je parle anglais, mais je ne parle pas russe."""
    subject = draw.subject()
    again = subject if subject.bare else pronoun_for(subject)
    verb = draw.verb(_contrasted)
    if verb.objects and not verb.objects[0].startswith("="):
        # Like is set against like: apples against pears, not against history.
        verb = replace(verb, objects=(draw.one([item for item in verb.objects if item[0] not in "=-"]),))
    tense = draw.one(("présent", "passé composé")) if verb.aspect not in ("state", "habit") else "présent"
    some = "" if tense == "présent" else "any"
    first = predicate(draw, verb, subject, habitual=True, bare=0)
    second = predicate(draw, verb, subject, some=some, habitual=True, negated=True, bare=0)
    while set(second.concepts) == set(first.concepts):
        second = predicate(draw, verb, subject, some=some, habitual=True, negated=True, bare=0)
    yes = clause(subject, first, tense, habitual=True)
    no = clause(again, second, tense, negation="pas", habitual=True)
    return sentence(
        f"{yes.french}, mais {no.french}",
        f"{yes.english}, but {no.english}",
        concepts=(*yes.concepts, *no.concepts, "l:but"),
    )


def _contrasted(verb: Verb) -> bool:
    return (
        verbs.by_person(verb)
        and bool(verb.objects or verb.preposition)
        and verb.english in ("speak", "like", "eat", "drink", "play", "teach", "study", "buy", "know", "learn", "see")
        and (
            "past" not in verb.tags
            and verb.preposition != ("avec", "with")
            and ("definite" not in verb.tags or verb.english in ("know", "play"))
        )
    )


_THINKING = (
    ("penser", "présent", "think"),
    ("croire", "présent", "believe"),
    ("savoir", "présent", "know"),
    ("espérer", "présent", "hope"),
)


def think_that(draw: Draw) -> Sentence:
    """Je pense qu'il va pleuvoir."""
    thinker = draw.subject()
    french, tense, english = draw.one(_THINKING)
    think = Predicate(Verb(french, english))
    other = draw.subject()
    while other.english == thinker.english or (other.bare and other.english_person % 3 == thinker.english_person % 3):
        other = draw.subject()
    if english == "hope" or draw.chance(0.5):
        verb = draw.verb(verbs.scheduled)
        other = other if "person" in verb.subjects else subject_for(draw, verb)
        said = clause(
            other, predicate(draw, verb, other), draw.one(("futur", "futur proche")) if english != "hope" else "futur"
        )
    elif draw.chance(0.5):
        verb = draw.verb(verbs.moment)
        said = clause(other, predicate(draw, verb, other), "présent")
    else:
        said = clause(other, is_adjective(other, draw.adjective("state")), "présent")
    lead = clause(thinker, think, tense)
    concepts = (*lead.concepts, f"v:{english}", *said.concepts)
    return sentence(f"{lead.french} que {said.french}", f"{lead.english} {said.english}", concepts=concepts)


def said_that(draw: Draw) -> Sentence:
    """Elle dit qu'elle est fatiguée."""
    speaker = draw.subject()
    again = speaker if speaker.bare else pronoun_for(speaker)
    say = Predicate(Verb("dire", "say", past="said"))
    if draw.chance(0.5):
        said = clause(again, predicate(draw, draw.verb(verbs.moment), again), "présent")
        past = False
    else:
        past = draw.chance(0.5)
        said = clause(again, is_adjective(again, draw.adjective("state")), "imparfait" if past else "présent")
    lead = clause(speaker, say, "passé composé" if past else "présent")
    return sentence(
        f"{lead.french} que {said.french}",
        f"{lead.english} {said.english}",
        concepts=(*lead.concepts, "v:say", *said.concepts),
    )


def when_future(draw: Draw) -> Sentence:
    """Quand il arrivera, nous mangerons."""
    other = draw.subject()
    infinitive, english, past = draw.one(_ARRIVALS[:3])
    auxiliary = "être"
    said = Predicate(
        Verb(infinitive, english, auxiliary=auxiliary, past=past, aspect="habit"),
        concepts=(f"v:{english}",),
    )
    verb = draw.verb(verbs.scheduled)
    subject = subject_for(draw, verb)
    while other.english_person % 3 == subject.english_person % 3:
        other = draw.subject()
    first = Phrase(
        french_clause(other, said, "futur"), english_clause(other, said, "present"), (*other.concepts, *said.concepts)
    )
    then = clause(subject, predicate(draw, verb, subject), "futur")
    concepts = (*first.concepts, *then.concepts, "l:when")
    if draw.chance(0.35):
        return sentence(
            f"{then.french} quand {first.french}", f"{then.english} when {first.english}", concepts=concepts
        )
    return sentence(f"quand {first.french}, {then.french}", f"when {first.english}, {then.english}", concepts=concepts)
