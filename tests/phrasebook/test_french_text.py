"""French words as text: elision, contraction, punctuation."""

import pytest

from tests.phrasebook.grammar.french_text import contract, elide, french_sentence, vowel_sound


@pytest.mark.parametrize(
    ("written", "elided"),
    [
        ("je aime le ami de Alice", "j'aime l'ami d'Alice"),
        ("je habite ici", "j'habite ici"),
        ("le héros que il admire", "le héros qu'il admire"),
        ("la école ne est pas là", "l'école n'est pas là"),
        ("je te aime et tu me écoutes", "je t'aime et tu m'écoutes"),
        ("est-ce que elle se habille", "est-ce qu'elle s'habille"),
        ("si il pleut, si elle vient", "s'il pleut, si elle vient"),
        ("si ils viennent", "s'ils viennent"),
        ("ce est Hugo, ce était Paul", "c'est Hugo, c'était Paul"),
        ("je y vais", "j'y vais"),
        ("je ne le ai pas vu", "je ne l'ai pas vu"),
        ("il faut le acheter", "il faut l'acheter"),
        ("donne-le à Paul", "donne-le à Paul"),
        ("lis-la et relis-la encore", "lis-la et relis-la encore"),
        ("le huit et le onze mai", "le huit et le onze mai"),
        ("le yaourt de Yves", "le yaourt de Yves"),
        ("la Hongrie et la Hollande", "la Hongrie et la Hollande"),
        ("parce que on part", "parce qu'on part"),
        ("le œuf", "l'œuf"),
    ],
)
def test_elision(written: str, elided: str) -> None:
    assert elide(written) == elided


@pytest.mark.parametrize(
    ("preposition", "phrase", "joined"),
    [
        ("à", "le marché", "au marché"),
        ("à", "les enfants", "aux enfants"),
        ("à", "la gare", "à la gare"),
        ("à", "le hôpital", "à le hôpital"),
        ("de", "le train", "du train"),
        ("de", "les voisins", "des voisins"),
        ("de", "le ami", "de le ami"),
        ("de", "le héros", "du héros"),
        ("de", "un livre", "de un livre"),
        ("avec", "le voisin", "avec le voisin"),
        ("à", "Léa", "à Léa"),
    ],
)
def test_contraction(preposition: str, phrase: str, joined: str) -> None:
    assert contract(preposition, phrase) == joined


def test_sentences_are_typeset() -> None:
    assert french_sentence("où est la école", "?") == "Où est l'école ?"
    assert french_sentence("je arrive", ".") == "J'arrive."
    assert french_sentence("à table", "!") == "À table !"


def test_vowel_sounds() -> None:
    assert [
        word
        for word in ("homme", "haricot", "hibou", "eau", "yaourt", "y", "yeux", "onze", "Hélène", "école")
        if vowel_sound(word)
    ] == [
        "homme",
        "eau",
        "y",
        "yeux",
        "Hélène",
        "école",
    ]
