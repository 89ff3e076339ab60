"""Numbers, clock times, dates and prices in words, in both languages."""

from functools import lru_cache

from num2words import num2words

from tests.phrasebook.grammar.predicate import Phrase

DAYS = tuple(
    zip(
        ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    )
)
MONTHS = tuple(
    zip(
        [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ],
        [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
    )
)

DAYS_IN_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@lru_cache(maxsize=4096)
def french_number(value: int, *, feminine: bool = False) -> str:
    """`value` in French words; a final un agrees with a feminine noun."""
    words: str = num2words(value, lang="fr")
    if feminine and value % 10 == 1 and words.endswith(("un", "-un")) and value % 100 not in (11, 71, 91):
        return words + "e"
    return words


@lru_cache(maxsize=4096)
def english_number(value: int) -> str:
    """`value` in American words: no and, no commas."""
    words: str = num2words(value, lang="en")
    return words.replace(" and ", " ").replace(",", "")


@lru_cache(maxsize=1024)
def english_ordinal(value: int) -> str:
    """`value` as a rank: first, twenty-third."""
    words: str = num2words(value, lang="en", to="ordinal")
    return words.replace(" and ", " ").replace(",", "")


def number_concepts(value: int) -> tuple[str, ...]:
    """The parts of a number that combine: thousands, hundreds, and the rest below a hundred."""
    thousands, below = divmod(value, 1000)
    hundreds, rest = divmod(below, 100)
    parts = (("thousands", thousands), ("hundreds", hundreds), ("number", rest))
    return tuple(f"{name}:{part}" for name, part in parts if part)


def counted(value: int, *, feminine: bool) -> Phrase:
    """`value` before a noun."""
    return Phrase(french_number(value, feminine=feminine), english_number(value), number_concepts(value))


def _french_hour(hour: int) -> str:
    return f"{french_number(hour, feminine=True)} heure{'s' if hour > 1 else ''}"


def clock(hour: int, minute: int) -> Phrase:
    """The time of day as said, without preposition: trois heures et demie, half past three (`hour` 1 to 12).

    Minutes are multiples of five; twelve is midi, noon, and zero is minuit, midnight.
    """
    named = {0: ("minuit", "midnight"), 12: ("midi", "noon")}
    french = named[hour][0] if hour in named else _french_hour(hour)
    here = named[hour][1] if hour in named else english_number(hour)
    concepts = (f"hour:{hour}", f"minute:{minute}")
    if minute == 0:
        return Phrase(french, here if hour in named else f"{here} o'clock", concepts)
    if minute <= 30:
        past = {15: ("et quart", "quarter past"), 30: ("et demi" if hour in named else "et demie", "half past")}
        said = past.get(minute) or (french_number(minute), f"{english_number(minute)} past")
        return Phrase(f"{french} {said[0]}", f"{said[1]} {here}", concepts)
    left = 60 - minute
    said = (
        ("moins le quart", "quarter to")
        if left == 15
        else (f"moins {french_number(left)}", f"{english_number(left)} to")
    )
    return Phrase(f"{french} {said[0]}", f"{said[1]} {here}", (f"hour:{hour}", f"minute:{minute}"))


def date(day: int, month: int, *, digits: bool = False) -> Phrase:
    """A day of the year without weekday: le premier mai, May first; with `digits` le 2 mai, May 2 (`month` 1 to 12)."""
    french, english = MONTHS[month - 1]
    concepts = (f"day:{day}", f"month:{month}")
    if digits:
        return Phrase(f"le {'1er' if day == 1 else day} {french}", f"{english} {day}", concepts)
    said = "premier" if day == 1 else french_number(day)
    return Phrase(f"le {said} {french}", f"{english} {english_ordinal(day)}", concepts)
