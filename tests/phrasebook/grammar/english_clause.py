"""English clauses: auxiliaries, do-support, contractions, word order; the place of not and of frequency adverbs."""

from tests.phrasebook.grammar.english_text import (
    regular_gerund,
    regular_past,
    split_verb,
    third_person,
)
from tests.phrasebook.grammar.predicate import Predicate, Subject, join

BE_PRESENT = ("am", "are", "is", "are", "are", "are")
BE_PAST = ("was", "were", "was", "were", "were", "were")
OBJECT_PRONOUNS = ("me", "you", "him", "us", "you", "them")

_CONTRACTED = {"am": "'m", "are": "'re", "is": "'s", "have": "'ve", "has": "'s", "will": "'ll", "would": "'d"}
_NEGATED = {"will": "won't", "can": "can't", "must": "must not"}
_PRONOUNS = frozenset({"I", "you", "he", "she", "it", "we", "they", "that", "there"})

# What each tense puts before the main verb, and the form of that verb. BE, HAVE and DO agree with the subject.
_TENSES: dict[str, tuple[tuple[str, ...], str]] = {
    "present": ((), "present"),
    "progressive": (("BE",), "gerund"),
    "past": ((), "past"),
    "past progressive": (("WAS",), "gerund"),
    "perfect": (("HAVE",), "participle"),
    "perfect progressive": (("HAVE", "been"), "gerund"),
    "pluperfect": (("had",), "participle"),
    "future": (("will",), "base"),
    "going to": (("BE", "going to"), "base"),
    "conditional": (("would",), "base"),
    "used to": ((), "used to"),
    "can": (("can",), "base"),
    "could": (("could",), "base"),
    "should": (("should",), "base"),
    "must": (("must",), "base"),
    "will be able to": (("will", "be able to"), "base"),
}


def _rest(predicate: Predicate, rest: str) -> str:
    """What follows the inflected word: particle, object and complements.

    A pronoun stands before the particle (turn it on), a noun after it (turn on the lamp), except with back, away and
    behind: give the book back.
    """
    if "*" in rest:
        particle = rest.replace("*", "").strip()
        if predicate.pronominal or particle in ("back", "away", "behind"):
            return join(predicate.english_object, particle, predicate.english_tail)
        return join(particle, predicate.english_object, predicate.english_tail)
    return join(rest.strip(), predicate.english_object, predicate.english_tail)


def verb_form(predicate: Predicate, form: str, person: int = 2) -> str:
    """The predicate with its verb in `form`: base, present (of `person`), past, participle, gerund or used to."""
    verb = predicate.verb
    head, rest = split_verb(verb.english)
    match form:
        case "base":
            word = head
        case "present" if head == "be":
            word = BE_PRESENT[person]
        case "present":
            word = third_person(head) if person == 2 else head
        case "past" if head == "be":
            word = BE_PAST[person]
        case "past":
            word = verb.past or regular_past(head)
        case "participle" if head == "be":
            word = "been"
        case "participle":
            word = verb.participle or verb.past or regular_past(head)
        case "gerund":
            word = verb.gerund or regular_gerund(head)
        case "used to":
            word = f"used to {head}"
        case _:
            raise ValueError(f"{form!r} is not a form of an English verb")
    return join(word, _rest(predicate, rest))


def _auxiliaries(subject: Subject, tense: str) -> tuple[list[str], str]:
    names, form = _TENSES[tense]
    person = subject.english_person
    agreeing = {"BE": BE_PRESENT[person], "WAS": BE_PAST[person], "HAVE": "has" if person == 2 else "have"}
    return [agreeing.get(name, name) for name in names], form


def _operator(subject: Subject, form: str) -> str:
    past = form in ("past", "used to")
    return "did" if past else "does" if subject.english_person == 2 else "do"


def contracted(subject: str, auxiliary: str) -> str:
    """Subject and auxiliary as one word where English speakers write it so: I'm, she'll, they've."""
    if subject in _PRONOUNS and auxiliary in _CONTRACTED and not (subject == "there" and auxiliary == "are"):
        return subject + _CONTRACTED[auxiliary]
    return f"{subject} {auxiliary}"


def negated(auxiliary: str) -> str:
    """The auxiliary with not: isn't, won't, must not; "am not" stays two words."""
    if auxiliary == "am":
        return "am not"
    return _NEGATED.get(auxiliary, auxiliary + "n't")


def english_clause(
    subject: Subject,
    predicate: Predicate,
    tense: str,
    *,
    negative: bool = False,
    question: bool = False,
    adverb: str = "",
) -> str:
    """The clause in `tense`, without capital or mark; `adverb` stands where always and never do.

    A question has its auxiliary first; a question word may be put before it.
    """
    auxiliaries, form = _auxiliaries(subject, tense)
    is_be = predicate.verb.english.partition(" ")[0] == "be"
    if not auxiliaries and is_be and form in ("present", "past"):
        copula = (BE_PRESENT if form == "present" else BE_PAST)[subject.english_person]
        return _assembled(
            subject, [copula], _rest(predicate, split_verb(predicate.verb.english)[1]), negative, question, adverb
        )
    if not auxiliaries and (negative or question):
        base = "base" if form != "used to" else form
        main = verb_form(predicate, base).replace("used to", "use to", 1)
        return _assembled(subject, [_operator(subject, form)], main, negative, question, adverb)
    main = verb_form(predicate, form, subject.english_person)
    if not auxiliaries:
        return join(subject.english, adverb, main)
    return _assembled(subject, auxiliaries, main, negative, question, adverb)


def _assembled(subject: Subject, auxiliaries: list[str], main: str, negative: bool, question: bool, adverb: str) -> str:
    first, others = auxiliaries[0], " ".join(auxiliaries[1:])
    if question:
        return join(negated(first) if negative else first, subject.english, adverb, others, main)
    if negative and first == "am":
        return join(contracted(subject.english, "am"), "not", adverb, others, main)
    if negative:
        return join(subject.english, negated(first), adverb, others, main)
    return join(contracted(subject.english, first), adverb, others, main)
