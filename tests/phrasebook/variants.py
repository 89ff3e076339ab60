"""How people type what the phrasebook writes with care: no capitals, no accents, no final point, doubled marks."""

import re
import unicodedata
from collections.abc import Callable
from random import Random

# A question that says so only by its mark must keep it: without, it is the statement.
_ASKS_ANYWAY = re.compile(
    r"^(?:où|quand|pourquoi|comment|combien|qui|que|quel|quelle|quels|quelles|qu'|à qui|avec qui|de qui"
    r"|à quelle|de quelle|depuis quand)\b"
    r"|est-ce qu|-t-(?:il|elle|on)\b|-(?:je|tu|il|elle|on|nous|vous|ils|elles|ce)\b",
    re.IGNORECASE,
)
_END = re.compile(r" ?[.!?…]+$")


def _lower(text: str) -> str:
    return text.lower()


def _upper(text: str) -> str:
    return text.upper()


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.replace("œ", "oe").replace("Œ", "OE"))
    return unicodedata.normalize("NFC", "".join(letter for letter in decomposed if not unicodedata.combining(letter)))


def _without_apostrophes(text: str) -> str:
    return text.replace("'", " ")


def _without_hyphens(text: str) -> str:
    return re.sub(r"(?<=\w)-(?=\w)", " ", text)


def _without_end(text: str) -> str:
    if text.endswith("?") and not _ASKS_ANYWAY.search(text):
        return text.replace(" ?", "?")
    return _END.sub("", text)


def _tight_end(text: str) -> str:
    return re.sub(r" ([?!:;])", r"\1", text)


def _doubled_end(text: str) -> str:
    return re.sub(r"([?!])$", r"\1\1", text) if text[-1] in "?!" else text + ".."


_HABITS: tuple[tuple[Callable[[str], str], float], ...] = (
    (_without_accents, 0.45),
    (_without_apostrophes, 0.15),
    (_without_hyphens, 0.15),
)
_ENDINGS: tuple[Callable[[str], str], ...] = (
    _without_end,
    _without_end,
    _without_end,
    _tight_end,
    _tight_end,
    _doubled_end,
)


def as_typed(french: str, random: Random) -> str:
    """One way a person would type `french`; it may by chance be as written.

    The end is dropped only where the words alone still say whether it is a question.
    """
    text = french
    letters = random.random()
    if letters < 0.6:
        text = _lower(text)
    elif letters < 0.75:
        text = _upper(text)
    if random.random() < 0.8:
        text = _ENDINGS[int(random.random() * len(_ENDINGS))](text)
    for habit, share in _HABITS:
        if random.random() < share:
            text = habit(text)
    return text
