"""Which texts are equal apart from their form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from seq2seq.data.folding import fold, is_blank


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("काम", "कम"),  # Hindi: work, little
        ("ไม่", "ไม้"),  # Thai: not, wood
        ("ใกล้", "ไกล"),
        ("কাল", "কল"),  # Bengali
        ("படம்", "பாடம்"),  # Tamil
        ("عِلم", "عَلم"),  # Arabic: knowledge, flag
        ("שָׁלוֹם", "שָׁלוּם"),  # Hebrew
        ("ma", "má"),  # Vietnamese
        ("mạ", "mả"),
        ("ete", "été"),
        ("が", "か"),
        ("ខ្មែរ", "ខមរ"),  # Khmer
        ("C++", "C"),
        ("C#", "C"),
        ("C++", "C#"),
        ("-5.5", "55"),
        ("-5.5", "5.5"),
        ("−5", "5"),
        ("(-5)", "(5)"),
        ("-$5", "$5"),
        ("+5", "5"),
        ("±5", "5"),
        ("3.14", "314"),
        ("3,14", "314"),
        (".5", "5"),
        ("Il a 5, 6 ans.", "Il a 56 ans."),
        ("5 6", "56"),
        ("1:30", "130"),
        ("1/2", "12"),
        ("½", "12"),
        ("10⁵", "105"),
        ("x²", "x2"),
        ("1e-5", "1e5"),
        ("1E−5", "1e5"),
        ("§5", "5"),
        ("A*", "A"),
        ("1½", "11/2"),
        ("5′", "5"),
        (".NET", "net"),
        ("foo_bar", "foobar"),
        ("10-5", "105"),
        ("10 - 5", "105"),
        ("$5", "5"),
        ("$5", "€5"),
        ("50%", "50"),
        ("20 °C", "20 C"),
        ("R&D", "RD"),
        ("@ana", "ana"),
        ("a<b", "a>b"),
        ("2^3", "23"),
        ("A+", "A"),
        ("A-", "A"),
        ("A-", "A+"),
        ("😀", "😢"),
        ("Oui 😀", "Oui"),
        ("👍", "👎"),
        ("!!!", "???"),
        ("!!!", ""),
        ("?", "!"),
        ("...", "—"),
        ("，", "。"),
    ],
)
def test_what_means_something_else_is_told_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("L'été, 2\u00a0fois !", "l e\u0301te\u0301 2FOIS"),
        ("« Oui »", '"oui"'),
        ("Porte-monnaie", "porte monnaie"),
        ("C'est lui — non ?", "c’est lui, non"),
        ("Viens...", "viens…"),
        ("STRASSE", "Straße"),
        ("ΟΔΟΣ", "οδος"),
        ("ＡＢＣ　１２", "abc12"),
        ("1 000", "1\u202f000"),
        ("1 000", "1000"),
        ("5 - 3", "5-3"),
        ("5 – 3", "5-3"),
        ("1’000", "1'000"),
        ("Il a 5 ans.", "il a 5 ans"),
        ("5.", "5"),
        ("10⁵", "10^5"),
        ("*A* *mot*", "a mot"),
        ("1E-5", "1e−5"),
        ("Oui. Non.", "oui non"),
        ("_oui_", "oui"),
        ("(5)", "5"),
        ("- 5 euros !", "5 euros"),  # a dash that opens speech
        ("U.S.", "US"),
        ("ﬁn", "fin"),
        ("İSTANBUL", "istanbul"),
        ("कितना है?", "कितना है।"),
        ("你好。", "你好！"),
        ("مرحبا؟", "مرحبا"),
        ("كتـــاب", "كتاب"),
        ("❤️", "❤"),
        ("bon\u00adjour\u200b", "bonjour"),
        ("می‌خواهم", "میخواهم"),
        ("l´eau", "l'eau"),
        ("п’ять", "пʼять"),
        ("…", "..."),
        ("\u200b\u2060 ", ""),
        ("\ud800", "\ud800 "),
    ],
)
def test_where_the_form_alone_differs_it_is_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_nothing_to_see_is_empty() -> None:
    assert fold("") == fold(" \t\u3000") == fold("\u200b\ufeff\u00ad") == b""
    assert all(fold(each) for each in ("!", "a", "5", "😀", "°"))


@given(some.text(some.characters() | some.sampled_from(" \u200b\u3164\u0640\u00ad.a1²")))
def test_a_text_is_blank_where_it_has_no_digest(text: str) -> None:
    assert is_blank(text) == (not fold(text))
