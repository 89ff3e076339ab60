"""French and English clauses: tenses, negation, questions, pronouns."""

import pytest

from tests.phrasebook import lexicon
from tests.phrasebook.grammar.french_clause import french_order, infinitive
from tests.phrasebook.grammar.french_text import elide
from tests.phrasebook.grammar.predicate import Phrase, Predicate, Subject
from tests.phrasebook.lexicon import Verb
from tests.phrasebook.patterns.draw import ON, PRONOUNS
from tests.phrasebook.patterns.sentence import Form, clause

JE, JE_F, TU, TU_F, IL, ELLE, NOUS, NOUS_F, VOUS, VOUS_F, VOUS_P, ILS, ELLES = PRONOUNS
PAUL = Subject("Paul", "Paul", 2, 2, False, False, False)
SISTERS = Subject("mes sœurs", "my sisters", 5, 5, True, True, False)


def verb(french: str, english: str) -> Verb:
    reflexive = french.startswith(("se ", "s'"))
    lemma = french.removeprefix("se ").removeprefix("s'")
    return next(
        row for row in lexicon.verbs() if (row.french, row.english, row.reflexive) == (lemma, english, reflexive)
    )


EAT, LEAVE, GET_UP = verb("manger", "eat"), verb("partir", "leave"), verb("se lever", "get up")
HUNGRY, KNOW, GO = verb("avoir faim", "be hungry"), verb("connaître", "know"), verb("aller", "go")
APPLE = Predicate(EAT, "une pomme", "an apple")


@pytest.mark.parametrize(
    ("subject", "predicate", "tense", "french", "english"),
    [
        (JE, APPLE, "présent", "je mange une pomme", "I'm eating an apple"),
        (IL, Predicate(KNOW, "Paul", "Paul"), "présent", "il connaît Paul", "he knows Paul"),
        (ON, APPLE, "présent", "on mange une pomme", "we're eating an apple"),
        (PAUL, APPLE, "passé composé", "Paul a mangé une pomme", "Paul ate an apple"),
        (ELLE, Predicate(LEAVE), "passé composé", "elle est partie", "she left"),
        (SISTERS, Predicate(LEAVE), "passé composé", "mes sœurs sont parties", "my sisters left"),
        (VOUS_P, Predicate(GET_UP), "passé composé", "vous vous êtes levés", "you got up"),
        (JE_F, Predicate(GET_UP), "plus-que-parfait", "je m'étais levée", "I had gotten up"),
        (NOUS, APPLE, "futur", "nous mangerons une pomme", "we'll eat an apple"),
        (TU, APPLE, "futur proche", "tu vas manger une pomme", "you're going to eat an apple"),
        (JE, Predicate(GET_UP), "futur proche", "je vais me lever", "I'm going to get up"),
        (ILS, APPLE, "conditionnel", "ils mangeraient une pomme", "they'd eat an apple"),
        (TU, APPLE, "imparfait", "tu mangeais une pomme", "you were eating an apple"),
        (NOUS_F, Predicate(HUNGRY), "imparfait", "nous avions faim", "we were hungry"),
        (ELLES, Predicate(HUNGRY), "présent", "elles ont faim", "they're hungry"),
    ],
)
def test_tenses(subject: Subject, predicate: Predicate, tense: str, french: str, english: str) -> None:
    said = clause(subject, predicate, tense)
    assert (elide(said.french), said.english) == (french, english)


@pytest.mark.parametrize(
    ("subject", "predicate", "tense", "negation", "french", "english"),
    [
        (
            JE,
            Predicate(EAT, "de pain", "bread"),
            "présent",
            "plus",
            "je ne mange plus de pain",
            "I don't eat bread anymore",
        ),
        (
            ELLE,
            Predicate(EAT, "de pain", "bread"),
            "présent",
            "jamais",
            "elle ne mange jamais de pain",
            "she never eats bread",
        ),
        (JE, Predicate(LEAVE), "passé composé", "pas", "je ne suis pas parti", "I didn't leave"),
        (IL, Predicate(GET_UP), "passé composé", "pas", "il ne s'est pas levé", "he didn't get up"),
        (JE, Predicate(HUNGRY), "présent", "pas", "je n'ai pas faim", "I'm not hungry"),
        (ELLE, Predicate(HUNGRY), "présent", "pas", "elle n'a pas faim", "she isn't hungry"),
        (ILS, Predicate(LEAVE), "futur", "pas", "ils ne partiront pas", "they won't leave"),
        (TU, Predicate(LEAVE), "passé composé", "jamais", "tu n'es jamais parti", "you've never left"),
        (TU, Predicate(GET_UP), "futur proche", "pas", "tu ne vas pas te lever", "you aren't going to get up"),
    ],
)
def test_negation(subject: Subject, predicate: Predicate, tense: str, negation: str, french: str, english: str) -> None:
    said = clause(subject, predicate, tense, negation=negation)
    assert (elide(said.french), said.english) == (french, english)


@pytest.mark.parametrize(
    ("subject", "predicate", "tense", "form", "french", "english"),
    [
        (TU, APPLE, "présent", "intonation", "tu manges une pomme", "are you eating an apple"),
        (ELLE, APPLE, "présent", "est-ce que", "est-ce qu'elle mange une pomme", "is she eating an apple"),
        (IL, APPLE, "présent", "inversion", "mange-t-il une pomme", "is he eating an apple"),
        (IL, APPLE, "passé composé", "inversion", "a-t-il mangé une pomme", "did he eat an apple"),
        (VOUS, Predicate(LEAVE), "futur", "inversion", "partirez-vous", "will you leave"),
        (PAUL, Predicate(LEAVE), "présent", "inversion", "Paul part-il", "is Paul leaving"),
        (
            SISTERS,
            Predicate(KNOW, "Paul", "Paul"),
            "présent",
            "inversion",
            "mes sœurs connaissent-elles Paul",
            "do my sisters know Paul",
        ),
        (TU, Predicate(GET_UP), "passé composé", "inversion", "t'es-tu levé", "did you get up"),
        (VOUS, Predicate(HUNGRY), "présent", "inversion", "avez-vous faim", "are you hungry"),
    ],
)
def test_questions(subject: Subject, predicate: Predicate, tense: str, form: Form, french: str, english: str) -> None:
    said = clause(subject, predicate, tense, form=form)
    assert (elide(said.french), said.english) == (french, english)


def test_the_participle_agrees_with_an_object_before_it() -> None:
    found = Predicate(
        verb("trouver", "find"), english_object="them", pronominal=True, clitics=("les",), agreement=(True, True)
    )
    said = clause(JE, found, "passé composé")
    assert (elide(said.french), said.english) == ("je les ai trouvées", "I found them")


def test_a_pronoun_goes_between_verb_and_particle() -> None:
    on = verb("allumer", "turn * on")
    with_noun = clause(JE, Predicate(on, "la lampe", "the lamp"), "passé composé")
    with_pronoun = clause(
        JE,
        Predicate(on, english_object="it", pronominal=True, clitics=("la",), agreement=(True, False)),
        "passé composé",
    )
    assert with_noun.english == "I turned on the lamp"
    assert (elide(with_pronoun.french), with_pronoun.english) == ("je l'ai allumée", "I turned it on")


@pytest.mark.parametrize(
    ("predicate", "person", "negation", "french"),
    [
        (Predicate(GET_UP), 0, "", "lève-toi"),
        (Predicate(GET_UP), 2, "", "levez-vous"),
        (Predicate(GET_UP), 0, "pas", "ne te lève pas"),
        (Predicate(EAT, clitics=("la",)), 0, "", "mange-la"),
        (Predicate(EAT, clitics=("en",)), 0, "", "manges-en"),
        (Predicate(GO, clitics=("y",)), 0, "", "vas-y"),
        (Predicate(verb("donner", "give"), clitics=("me", "le")), 0, "", "donne-le-moi"),
        (Predicate(verb("donner", "give"), clitics=("me",), french_tail="le livre"), 2, "", "donnez-moi le livre"),
        (
            Predicate(verb("donner", "give"), clitics=("lui",), french_tail="le livre"),
            2,
            "pas",
            "ne lui donnez pas le livre",
        ),
    ],
)
def test_orders(predicate: Predicate, person: int, negation: str, french: str) -> None:
    assert elide(french_order(predicate, person, negation=negation)) == french


def test_infinitives_keep_their_pronouns() -> None:
    assert elide(infinitive(NOUS, Predicate(GET_UP, "tôt"))) == "nous lever tôt"
    assert elide(infinitive(JE, Predicate(EAT, clitics=("le",)), negation="pas")) == "ne pas le manger"


def test_frequency_and_completion() -> None:
    often = clause(ELLE, Predicate(HUNGRY), "présent", adverb=Phrase("souvent", "often"))
    assert (elide(often.french), often.english) == ("elle a souvent faim", "she's often hungry")
    already = clause(PAUL, APPLE, "passé composé", adverb=Phrase("déjà", "already"), english="perfect")
    assert (already.french, already.english) == ("Paul a déjà mangé une pomme", "Paul has already eaten an apple")
