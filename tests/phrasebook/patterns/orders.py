"""Orders, requests and what must be done: imperative, subjunctive, falloir."""

from dataclasses import replace

from tests.phrasebook.grammar.conjugation import conjugate
from tests.phrasebook.grammar.english_clause import OBJECT_PRONOUNS, english_clause, verb_form
from tests.phrasebook.grammar.french_clause import french_clause, french_order, infinitive
from tests.phrasebook.grammar.predicate import Predicate, Subject, join
from tests.phrasebook.lexicon import Verb, group
from tests.phrasebook.patterns import verbs
from tests.phrasebook.patterns.draw import PRONOUNS, Draw
from tests.phrasebook.patterns.predicates import predicate, verb_concept
from tests.phrasebook.patterns.sentence import Sentence, sentence, two_sentences

_TU, _VOUS, _NOUS, _IL = PRONOUNS[2], PRONOUNS[8], PRONOUNS[6], PRONOUNS[4]
_NOT_ORDERED = group("not_ordered")


def _commanded(verb: Verb) -> bool:
    if not verbs.by_person(verb) or "past" in verb.tags or verb.english in _NOT_ORDERED:
        return False
    return verb.aspect in ("activity", "event", "habit") or verb.english in ("be careful", "be on time")


def _forbidden(verb: Verb) -> bool:
    forbidden = (
        "worry",
        "gain weight",
        "exaggerate",
        "fall asleep",
        "hesitate",
        "be scared",
        "be late",
        "get lost",
        "lose",
        "forget",
        "break",
        "be angry",
        "make a mistake",
        "lose patience",
        "lie",
        "cry",
        "get angry",
        "complain",
        "argue",
    )
    if verb.english in forbidden:
        return verbs.by_person(verb) and not ({"person"} & set(verb.complements))
    return (
        _commanded(verb)
        and "affirmative" not in verb.tags
        and verb.english not in ("be careful", "be on time", "hurry up", "rest", "relax", "calm down", "wake up")
    )


def _person(draw: Draw) -> tuple[Subject, int]:
    return (_TU, 0) if draw.chance(0.5) else (_VOUS, 2)


def order(draw: Draw) -> Sentence:
    """Ferme la porte !"""
    verb = draw.verb(_commanded)
    subject, person = _person(draw)
    said = predicate(draw, verb, subject)
    mark = draw.one((".", ".", "!"))
    french, english = french_order(said, person), verb_form(said, "base")
    if draw.chance(0.2):
        polite = "s'il te plaît" if person == 0 else "s'il vous plaît"
        return sentence(f"{french}, {polite}", f"{english}, please", ".", concepts=said.concepts)
    return sentence(french, english, mark, concepts=said.concepts)


def prohibition(draw: Draw) -> Sentence:
    """N'oubliez pas vos clés !"""
    verb = draw.verb(_forbidden)
    subject, person = _person(draw)
    negation = "jamais" if draw.chance(0.15) else "pas"
    if verb.english in ("lose", "break"):
        verb = replace(verb, tags=verb.tags | {"definite"})
    said = predicate(draw, verb, subject, some="" if negation == "jamais" else "any", negated=True)
    french = french_order(said, person, negation=negation)
    english = join("never" if negation == "jamais" else "don't", verb_form(said, "base"))
    return sentence(french, english, draw.one((".", "!")), concepts=said.concepts)


def suggestion(draw: Draw) -> Sentence:
    """Allons à la plage !"""
    verb = draw.verb(_commanded)
    said = predicate(draw, verb, _NOUS)
    return sentence(
        french_order(said, 1), join("let's", verb_form(said, "base")), draw.one((".", "!")), concepts=said.concepts
    )


def _handed(verb: Verb) -> bool:
    return (
        verb.english in ("give", "lend", "show", "send", "bring", "tell", "explain")
        and verb.preposition is not None
        and bool(verb.objects)
    )


def order_to_give(draw: Draw) -> Sentence:
    """Donne-moi le livre."""
    verb = draw.verb(_handed)
    subject, person = _person(draw)
    clitic, english = draw.one((("me", "me"), ("lui", "him"), ("nous", "us"), ("leur", "them")))
    noun = predicate(draw, replace(verb, preposition=None), subject)
    ditransitive = verb.english != "explain"
    told = join(english, noun.english_object) if ditransitive else join(noun.english_object, "to", english)
    concepts = (*noun.concepts, f"c:{english}")
    said = Predicate(verb, noun.french_tail, told, clitics=(clitic,), concepts=concepts)
    polite = draw.chance(0.3)
    thanks = ("s'il te plaît" if person == 0 else "s'il vous plaît", "please")
    french, spoken = french_order(said, person), verb_form(said, "base")
    if polite:
        return sentence(f"{french}, {thanks[0]}", f"{spoken}, {thanks[1]}", concepts=concepts)
    return sentence(french, spoken, concepts=concepts)


def _with_thing(verb: Verb) -> bool:
    return (
        _commanded(verb)
        and bool(verb.objects)
        and not ({"person", "family", "language"} & set(verb.objects))
        and (
            "generic" not in verb.tags
            and verb.english
            not in (
                "have",
                "draw",
                "pet",
                "walk",
                "feed",
                "treat",
                "scold",
                "teach",
                "study",
                "give",
                "lend",
                "show",
                "tell",
            )
        )
    )


def order_about_it(draw: Draw) -> Sentence:
    """Cette lettre ? Ne la lis pas !"""
    verb = draw.verb(_with_thing)
    _, person = _person(draw)
    noun = draw.thing(draw.noun(*verb.objects), plural=draw.chance(0.2))
    clitic = "les" if noun.plural else "la" if noun.feminine else "le"
    concepts = (verb_concept(verb), *noun.concepts)
    said = Predicate(
        verb, english_object="them" if noun.plural else "it", pronominal=True, clitics=(clitic,), concepts=concepts
    )
    here = "here are" if noun.plural else "here's"
    return two_sentences(
        (f"voilà {noun.french}", f"{here} {noun.english}"),
        (french_order(said, person), verb_form(said, "base")),
        concepts,
    )


def _necessary(verb: Verb) -> bool:
    return _commanded(verb) or (
        verbs.by_person(verb) and verb.english in ("be careful", "succeed", "win", "be on time")
    )


def _asked_of(draw: Draw) -> Subject:
    return draw.subject() if draw.chance(0.3) else draw.pronoun()


_HAVE = Verb("falloir", "have", past="had", infinitive=("", "to"))


def must_be_done(draw: Draw) -> Sentence:
    """Il faut que tu partes."""
    verb = draw.verb(_necessary)
    subject = _asked_of(draw)
    said = predicate(draw, verb, subject)
    french = f"il faut que {french_clause(subject, said, 'subjonctif')}"
    english = english_clause(subject, Predicate(_HAVE, english_tail=f"to {verb_form(said, 'base')}"), "present")
    return sentence(french, english, concepts=(*said.concepts, *subject.concepts))


def must_not_be_done(draw: Draw) -> Sentence:
    """Il ne faut pas que vous soyez en retard."""
    verb = draw.verb(_forbidden)
    subject = _asked_of(draw)
    said = predicate(draw, verb, subject, habitual=True)
    french = f"il ne faut pas que {french_clause(subject, said, 'subjonctif')}"
    return sentence(
        french, english_clause(subject, said, "must", negative=True), concepts=(*said.concepts, *subject.concepts)
    )


def must_in_general(draw: Draw) -> Sentence:
    """Il faut fermer la porte."""
    verb = draw.verb(_commanded)
    nous = PRONOUNS[6]
    said = predicate(draw, verb, nous)
    while verb.reflexive or " our" in f" {said.english_object} {said.english_tail}":
        verb = draw.verb(_commanded)
        said = predicate(draw, verb, nous)
    english = english_clause(nous, Predicate(_HAVE, english_tail=f"to {verb_form(said, 'base')}"), "present")
    return sentence(f"il faut {infinitive(nous, said)}", english, concepts=said.concepts)


def object_form(subject: Subject) -> str:
    """The English of a subject where it is an object: me, her, the doctor."""
    if not subject.bare:
        return subject.english
    return "her" if subject.english == "she" else OBJECT_PRONOUNS[subject.english_person]


_WISHES = (
    ("vouloir", "présent", "want"),
    ("vouloir", "conditionnel", "would like"),
    ("aimer", "conditionnel", "would like"),
)


def _wisher(draw: Draw, wanted: Subject) -> Subject:
    wisher = draw.subject()
    while wisher.english_person % 3 == wanted.english_person % 3:
        wisher = draw.subject()
    return wisher


def wish_for_another(draw: Draw) -> Sentence:
    """Je veux que tu viennes."""
    verb = draw.verb(_commanded)
    wanted = _asked_of(draw)
    wisher = _wisher(draw, wanted)
    said = predicate(draw, verb, wanted)
    french_verb, tense, english_verb = draw.one(_WISHES)
    wishing = conjugate(french_verb, tense)[wisher.french_person]
    french = f"{wisher.french} {wishing} que {french_clause(wanted, said, 'subjonctif')}"
    wish = Predicate(
        _WANT if english_verb == "want" else _LIKE,
        english_object=object_form(wanted),
        english_tail=f"to {verb_form(said, 'base')}",
    )
    english = english_clause(wisher, wish, "present" if english_verb == "want" else "conditional")
    return sentence(french, english, concepts=(*said.concepts, *wanted.concepts, *wisher.concepts, f"v:{english_verb}"))


def _governor(english: str) -> Verb:
    return Verb("vouloir", english)


_WANT, _LIKE = _governor("want"), _governor("like")
_JUDGEMENTS = (
    ("il est important que", "it's important for"),
    ("il est nécessaire que", "it's necessary for"),
    ("il est temps que", "it's time for"),
    ("il vaut mieux que", "it's better for"),
)


def judgement(draw: Draw) -> Sentence:
    """Il est important que vous dormiez."""
    verb = draw.verb(_commanded)
    subject = _asked_of(draw)
    said = predicate(draw, verb, subject)
    french, english = draw.one(_JUDGEMENTS)
    return sentence(
        f"{french} {french_clause(subject, said, 'subjonctif')}",
        f"{english} {object_form(subject)} to {verb_form(said, 'base')}",
        concepts=(*said.concepts, *subject.concepts, f"j:{english}"),
    )
