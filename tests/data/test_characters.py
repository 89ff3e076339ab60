"""What is seen of a text."""

from __future__ import annotations

import pytest

from seq2seq.data.characters import has_letters, is_blank, plain_apostrophes, visible

INVISIBLE = (
    "\u00ad\u200b\u2060\ufeff\u200e\u200f\u202a\u202c\u2066\u2069\u061c\u034f\u2063\x00\x07\x1b\x7f\u180e\U000e0041"
)


@pytest.mark.parametrize("character", INVISIBLE)
def test_invisible_characters_are_dropped_and_leave_no_blank(character: str) -> None:
    assert visible(f"bon{character}jour") == "bonjour"
    assert visible(f"{character}un  chat{character}") == "un  chat"
    assert is_blank(f" {character}\t{character}")


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",  # Persian
        "क\u094d\u200dष",  # Devanagari
        "\U0001f469\u200d\U0001f680",  # an astronaut
        "\u2764\ufe0f\u200d\U0001f525",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # a flag
        "1\ufe0f\u20e3",
        "ᠮᠣᠩᠭᠣᠯ\u180b",
        "déjà vu\u00a0: où ?\t\u2028",
    ],
)
def test_joiners_stay_where_a_script_or_an_emoji_needs_them(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("text", ["bon\u200djour", "bon\u200cjour", "你\u200d好"])
def test_joiners_that_join_nothing_are_dropped(text: str) -> None:
    assert visible(text) == text.replace("\u200d", "").replace("\u200c", "")


def test_an_unseen_line_is_blank() -> None:
    for text in ("", " \t", "\u3164", "\u200d", "\u2800", "\ufe0f", "\u200b \ufeff"):
        assert is_blank(text)
    for text in ("a", ".", "\u0301", "\ufffd", "\U0001f600"):
        assert not is_blank(text)


def test_letters_of_any_script_are_letters_and_nothing_else_is() -> None:
    for text in ("a", "1a", "猫", "か", "مرحبا", "नमस्ते", "привет", "12 h 30"):
        assert has_letters(text)
    for text in ("", "123", "3,5 %", "10:30", "— — —", "٣٥", "½", "\U0001f600", "{0}", "ــــ"):
        assert not has_letters(text)


def test_typographic_apostrophes_are_made_plain_and_quotation_marks_stay() -> None:
    assert plain_apostrophes("l’homme n’est pas d\u02bcici, aujourd\uff07hui") == "l'homme n'est pas d'ici, aujourd'hui"
    assert plain_apostrophes("‘He can’t’") == "‘He can't’"
    assert plain_apostrophes("« Oui »") == "« Oui »"
