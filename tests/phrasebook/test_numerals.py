"""Numbers, hours and dates in words."""

import pytest

from tests.phrasebook.grammar.numerals import clock, counted, date, english_number, french_number


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (1, "un", "one"),
        (21, "vingt et un", "twenty-one"),
        (71, "soixante et onze", "seventy-one"),
        (80, "quatre-vingts", "eighty"),
        (81, "quatre-vingt-un", "eighty-one"),
        (92, "quatre-vingt-douze", "ninety-two"),
        (120, "cent vingt", "one hundred twenty"),
        (200, "deux cents", "two hundred"),
        (201, "deux cent un", "two hundred one"),
        (1000, "mille", "one thousand"),
        (2345, "deux mille trois cent quarante-cinq", "two thousand three hundred forty-five"),
        (80_000, "quatre-vingt mille", "eighty thousand"),
        (1_000_000, "un million", "one million"),
    ],
)
def test_numbers(value: int, french: str, english: str) -> None:
    assert (french_number(value), english_number(value)) == (french, english)


def test_one_agrees() -> None:
    assert counted(1, feminine=True).french == "une"
    assert counted(21, feminine=True).french == "vingt et une"
    assert counted(81, feminine=True).french == "quatre-vingt-une"
    assert counted(11, feminine=True).french == "onze"
    assert counted(71, feminine=True).french == "soixante et onze"
    assert counted(91, feminine=True).french == "quatre-vingt-onze"


@pytest.mark.parametrize(
    ("hour", "minute", "french", "english"),
    [
        (3, 30, "trois heures et demie", "half past three"),
        (1, 0, "une heure", "one o'clock"),
        (8, 10, "huit heures dix", "ten past eight"),
        (5, 15, "cinq heures et quart", "quarter past five"),
        (6, 45, "six heures moins le quart", "quarter to six"),
        (9, 40, "neuf heures moins vingt", "twenty to nine"),
        (12, 0, "midi", "noon"),
        (0, 30, "minuit et demi", "half past midnight"),
    ],
)
def test_hours(hour: int, minute: int, french: str, english: str) -> None:
    time = clock(hour, minute)
    assert (time.french, time.english) == (french, english)


def test_dates() -> None:
    assert (date(1, 5).french, date(1, 5).english) == ("le premier mai", "May first")
    assert (date(23, 8).french, date(23, 8).english) == ("le vingt-trois août", "August twenty-third")
    assert (date(1, 1, digits=True).french, date(14, 7, digits=True).english) == ("le 1er janvier", "July 14")
