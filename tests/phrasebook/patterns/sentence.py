"""From subject, predicate and tense to a finished sentence: which English tense answers which French one."""

from dataclasses import dataclass
from typing import Literal

from tests.phrasebook.grammar.english_clause import english_clause, verb_form
from tests.phrasebook.grammar.english_text import english_sentence
from tests.phrasebook.grammar.french_clause import french_clause, infinitive
from tests.phrasebook.grammar.french_text import french_sentence
from tests.phrasebook.grammar.predicate import Phrase, Predicate, Subject, join
from tests.phrasebook.lexicon import Verb

Form = Literal["statement", "intonation", "est-ce que", "inversion"]
NOTHING = Phrase("", "")

_ENGLISH_TENSES = {
    "passé composé": "past",
    "plus-que-parfait": "pluperfect",
    "futur": "future",
    "futur proche": "going to",
    "conditionnel": "conditional",
    "passé récent": "perfect",
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A finished pair and the concepts that meet in it."""

    french: str
    english: str
    concepts: frozenset[str]


def sentence(french: str, english: str, mark: str = ".", *, concepts: tuple[str, ...] = ()) -> Sentence:
    """The pair with elisions, capitals and final punctuation."""
    return Sentence(french_sentence(french, mark), english_sentence(english, mark), frozenset(concepts))


def two_sentences(
    first: tuple[str, str], second: tuple[str, str], concepts: tuple[str, ...], *, marks: tuple[str, str] = (".", ".")
) -> Sentence:
    """Two short sentences, each as (French, English), as one pair."""
    parts = [sentence(*texts, mark) for texts, mark in zip((first, second), marks)]
    return Sentence(
        " ".join(part.french for part in parts), " ".join(part.english for part in parts), frozenset(concepts)
    )


def english_tense(verb: Verb, tense: str, *, habitual: bool = False) -> str:
    """The English tense for a French one: the present is progressive for activities and events unless `habitual`."""
    progressive = verb.aspect in ("activity", "event") and not habitual
    if tense == "présent":
        return "progressive" if progressive else "present"
    if tense == "imparfait":
        return "past progressive" if progressive or (verb.aspect == "habit" and not habitual) else "past"
    return _ENGLISH_TENSES[tense]


def clause(
    subject: Subject,
    predicate: Predicate,
    tense: str,
    *,
    negation: str = "",
    adverb: Phrase = NOTHING,
    tail: Phrase = NOTHING,
    form: Form = "statement",
    habitual: bool = False,
    english: str = "",
) -> Phrase:
    """The clause in both languages, unfinished: no capital, no mark.

    `negation` is pas, jamais or plus; `adverb` stands after the French finite verb and before the English main verb,
    `tail` at the end of both; `english` overrides the English tense. The caller's question word goes before both.
    """
    never, no_longer = negation == "jamais", negation == "plus"
    habitual = habitual or bool(adverb.french) or never or no_longer
    target = english or english_tense(predicate.verb, tense, habitual=habitual)
    if never and tense == "passé composé":
        target = "perfect"
    french = french_clause(
        subject, predicate, tense, negation=negation, inversion=form == "inversion", adverb=adverb.french
    )
    if form == "est-ce que":
        french = f"est-ce que {french}"
    said = english_clause(
        subject,
        predicate,
        target,
        negative=bool(negation) and not never,
        question=form != "statement",
        adverb=join("never" if never else "", adverb.english),
    )
    concepts = subject.concepts + predicate.concepts + adverb.concepts + tail.concepts
    return Phrase(join(french, tail.french), join(said, "anymore" if no_longer else "", tail.english), concepts)


def infinitive_phrase(subject: Subject, governor: Verb, governed: Predicate, *, negation: str = "") -> Predicate:
    """`governed` as the infinitive that follows `governor`: vouloir + manger une pomme, want + to eat an apple."""
    assert governor.infinitive is not None
    preposition, manner = governor.infinitive
    french = join(preposition, infinitive(subject, governed, negation=negation))
    *before, manner = manner.split(" ")
    lead = "to" if manner == "to" else ""
    said = verb_form(governed, "base" if manner == "to" else "gerund")
    english = join(*before, "not" if negation else "", lead, said)
    return Predicate(governor, french, english_tail=english, concepts=(f"v:{governor.english}", *governed.concepts))
