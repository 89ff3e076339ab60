"""Statements with one verb: its tenses, what negates it, what says when and how often."""

from tests.phrasebook.grammar.predicate import Phrase, Predicate, Subject, join
from tests.phrasebook.lexicon import Expression, Verb
from tests.phrasebook.patterns import verbs
from tests.phrasebook.patterns.draw import Draw
from tests.phrasebook.patterns.predicates import predicate
from tests.phrasebook.patterns.sentence import Form, Sentence, clause, sentence


def phrase_of(entry: Expression, kind: str = "t") -> Phrase:
    """An adverb of the lexicon as a phrase with its concept."""
    return Phrase(entry.french, entry.english, (f"{kind}:{entry.english}",))


def subject_for(draw: Draw, verb: Verb, *, on: bool = True) -> Subject:
    """A subject that suits the verb; on only where nothing agrees with it."""
    return draw.subject(*verb.subjects, on=on and verb.auxiliary == "avoir" and not verb.reflexive)


def with_time(draw: Draw, said: Phrase, when: Phrase, mark: str = ".") -> Sentence:
    """The clause with a time, at its end or before it."""
    concepts = said.concepts + when.concepts
    if draw.chance(0.3) and mark == ".":
        return sentence(f"{when.french}, {said.french}", f"{when.english}, {said.english}", mark, concepts=concepts)
    return sentence(join(said.french, when.french), join(said.english, when.english), mark, concepts=concepts)


def finished(said: Phrase, mark: str = ".") -> Sentence:
    """The clause as a sentence."""
    return sentence(said.french, said.english, mark, concepts=said.concepts)


def timed(french: str, english: str) -> Phrase:
    """A time expression with its concept."""
    return Phrase(french, english, (f"t:{english}",))


_AT_THIS_MOMENT = (timed("en ce moment", "right now"), timed("maintenant", "now"))
_DISTANT = ("month", "year", "summer", "winter", "long time", "someday")
_NEAR = ("yesterday", "tomorrow", "last night", "tonight", "soon", "later", "an hour", "minutes")
HABITS = (
    timed("tous les jours", "every day"),
    timed("tous les matins", "every morning"),
    timed("tous les soirs", "every evening"),
    timed("tous les week-ends", "every weekend"),
    timed("chaque semaine", "every week"),
    timed("le lundi", "on Mondays"),
    timed("le mercredi", "on Wednesdays"),
    timed("le samedi", "on Saturdays"),
    timed("le dimanche", "on Sundays"),
    timed("une fois par mois", "once a month"),
    timed("deux fois par semaine", "twice a week"),
)


def time_for(draw: Draw, verb: Verb, kind: str) -> Phrase:
    """A time of `kind`, the distant ones only for what fills weeks."""
    entry = draw.adverb(kind)
    while not _fits(verb, entry.english):
        entry = draw.adverb(kind)
    return phrase_of(entry)


def _fits(verb: Verb, when: str) -> bool:
    if not verbs.fits_the_hour(verb, when):
        return False
    if verb.english in ("gain weight", "lose weight"):
        return any(word in when for word in _DISTANT)
    if verbs.daily(verb) or verbs.spontaneous(verb):
        return any(word in when for word in _NEAR)
    return verbs.long_lasting(verb) or not any(word in when for word in _DISTANT)


def present(draw: Draw) -> Sentence:
    """Je mange une pomme."""
    verb = draw.verb(verbs.present_tense)
    subject = subject_for(draw, verb)
    return finished(clause(subject, predicate(draw, verb, subject), "présent"))


def present_with_time(draw: Draw) -> Sentence:
    """En ce moment, il travaille."""
    if draw.chance(0.3):
        verb = draw.verb(verbs.ongoing_for_long)
        subject = subject_for(draw, verb)
        when = phrase_of(draw.adverb("time_present"))
        return with_time(draw, clause(subject, predicate(draw, verb, subject), "présent"), when)
    verb = draw.verb(verbs.ongoing)
    subject = subject_for(draw, verb)
    return with_time(draw, clause(subject, predicate(draw, verb, subject), "présent"), draw.one(_AT_THIS_MOMENT))


def _denied(draw: Draw, verb: Verb, subject: Subject) -> tuple[Predicate, bool]:
    """The predicate of a present negative clause; it is general (no progressive) where nothing definite is consumed."""
    general = verb.english in ("eat", "drink")
    said = predicate(draw, verb, subject, some="" if general else "any", negated=True)
    return said, general and said.french_tail.startswith("de ")


def negative(draw: Draw) -> Sentence:
    """Elle ne boit pas de café."""
    verb = draw.verb(verbs.negatable)
    subject = subject_for(draw, verb)
    said, general = _denied(draw, verb, subject)
    return finished(clause(subject, said, "présent", negation="pas", habitual=general))


def never(draw: Draw) -> Sentence:
    """Ils ne fument jamais."""
    verb = draw.verb(verbs.routine_negatable)
    subject = draw.subject(on=True)
    said = predicate(draw, verb, subject, some="", negated=True, habitual=True)
    return finished(clause(subject, said, "présent", negation="jamais"))


def no_longer(draw: Draw) -> Sentence:
    """Je ne mange plus de viande."""
    verb = draw.verb(verbs.given_up)
    subject = subject_for(draw, verb)
    said = predicate(draw, verb, subject, some="", negated=True, habitual=True)
    # What one gives up is a kind of thing, never a single one.
    while said.english_object.startswith(("a ", "an ")):
        verb = draw.verb(verbs.given_up)
        subject = subject_for(draw, verb)
        said = predicate(draw, verb, subject, some="", negated=True, habitual=True)
    return finished(clause(subject, said, "présent", negation="plus"))


def frequency(draw: Draw) -> Sentence:
    """Nous allons souvent au marché."""
    verb = draw.verb(verbs.routine)
    subject = subject_for(draw, verb)
    adverb = phrase_of(draw.adverb("frequency"))
    tense = draw.one(("présent", "présent", "présent", "imparfait"))
    english = "past" if tense == "imparfait" else ""
    said = predicate(draw, verb, subject, habitual=True)
    return finished(clause(subject, said, tense, adverb=adverb, english=english))


def habit(draw: Draw) -> Sentence:
    """Elle nage tous les matins."""
    verb = draw.verb(verbs.routine)
    while "past" in verb.tags or verbs.spontaneous(verb):
        verb = draw.verb(verbs.routine)
    subject = draw.subject(on=True)
    said = predicate(draw, verb, subject, habitual=True)
    when = draw.one(HABITS)
    while not verbs.fits_the_hour(verb, when.english):
        when = draw.one(HABITS)
    return finished(clause(subject, said, "présent", tail=when, habitual=True))


def past(draw: Draw) -> Sentence:
    """J'ai vu un renard."""
    verb = draw.verb(verbs.happened)
    subject = subject_for(draw, verb)
    return finished(clause(subject, predicate(draw, verb, subject), "passé composé"))


def past_with_time(draw: Draw) -> Sentence:
    """Elle est partie hier."""
    verb = draw.verb(verbs.happened_to_people)
    subject = subject_for(draw, verb)
    said = clause(subject, predicate(draw, verb, subject), "passé composé")
    return with_time(draw, said, time_for(draw, verb, "time_past"))


def past_negative(draw: Draw) -> Sentence:
    """Nous n'avons pas trouvé la clé."""
    verb = draw.verb(verbs.not_happened)
    subject = subject_for(draw, verb)
    said = clause(subject, predicate(draw, verb, subject, some="any", negated=True), "passé composé", negation="pas")
    when = time_for(draw, verb, "time_past")
    return with_time(draw, said, when) if draw.chance(0.4) and not when.english.endswith("ago") else finished(said)


def not_yet(draw: Draw) -> Sentence:
    """Il n'a pas encore lu le livre."""
    verb = draw.verb(verbs.expected)
    subject = subject_for(draw, verb)
    said = predicate(draw, verb, subject, some="any", negated=True, habitual=True)
    adverb, tail = Phrase("encore", ""), Phrase("", "yet")
    return finished(clause(subject, said, "passé composé", negation="pas", adverb=adverb, tail=tail, english="perfect"))


def already(draw: Draw) -> Sentence:
    """J'ai déjà visité ce musée."""
    verb = draw.verb(verbs.experience if draw.chance(0.5) else verbs.expected)
    subject = subject_for(draw, verb)
    adverb = Phrase("déjà", "already")
    return finished(clause(subject, predicate(draw, verb, subject), "passé composé", adverb=adverb, english="perfect"))


def never_before(draw: Draw) -> Sentence:
    """Je n'ai jamais conduit de camion."""
    verb = draw.verb(verbs.experience)
    subject = draw.subject(on=True)
    said = predicate(draw, verb, subject, some="", negated=True, habitual=True, bare=0)
    return finished(clause(subject, said, "passé composé", negation="jamais"))


def just(draw: Draw) -> Sentence:
    """Le train vient de partir."""
    verb = draw.verb(verbs.expected)
    subject = subject_for(draw, verb)
    said = predicate(draw, verb, subject)
    return finished(clause(subject, said, "passé récent", adverb=Phrase("", "just")))


def future(draw: Draw) -> Sentence:
    """Nous partirons demain."""
    verb = draw.verb(verbs.scheduled)
    subject = subject_for(draw, verb)
    said = clause(subject, predicate(draw, verb, subject), draw.one(("futur", "futur proche")))
    return with_time(draw, said, time_for(draw, verb, "time_future"))


def arranged(draw: Draw) -> Sentence:
    """Nous allons à la plage demain."""
    verb = draw.verb(verbs.arranged)
    subject = subject_for(draw, verb)
    when = time_for(draw, verb, "time_future")
    while when.english in ("soon", "later", "someday"):
        when = time_for(draw, verb, "time_future")
    form: Form = "intonation" if subject.english_person in (1, 4) and draw.chance(0.3) else "statement"
    said = clause(subject, predicate(draw, verb, subject, bare=0.6), "présent", form=form, tail=when)
    return finished(said, "." if form == "statement" else "?")


def near_future(draw: Draw) -> Sentence:
    """Il va pleurer."""
    verb = draw.verb(verbs.planned)
    subject = subject_for(draw, verb)
    return finished(
        clause(subject, predicate(draw, verb, subject), draw.one(("futur", "futur proche", "futur proche")))
    )


def future_negative(draw: Draw) -> Sentence:
    """Vous ne vendrez pas la maison."""
    verb = draw.verb(verbs.planned_negatable)
    subject = subject_for(draw, verb)
    said = predicate(draw, verb, subject, some="any", negated=True)
    return finished(clause(subject, said, draw.one(("futur", "futur proche")), negation="pas"))
