"""What French spelling does at the seams between words: elision, contraction, capitals and final punctuation."""

import re
from functools import cache

from tests.phrasebook.lexicon import aspirated_nouns

VOWELS = frozenset("aàâäeéèêëiîïoôöuùûüœæh")

# Beginnings of words that take neither elision nor liaison although they start with a vowel letter or an h;
# the lexicon's tag h_aspire adds its nouns.
ASPIRATED = (
    "haut",
    "hont",
    "huit",
    "onz",
    "oui",
    "holland",
    "hongr",
    "haïti",
    "hasard",
    "héros",
    "hamster",
    "haricot",
    "hamburger",
    "hibou",
    "homard",
    "hockey",
    "handball",
    "hall",
    "hangar",
    "hach",
    "haie",
    "hain",
    "hanche",
    "handicap",
    "harpe",
    "hérisson",
    "housse",
    "hublot",
    "hamac",
    "hareng",
    "hot-dog",
    "ouistiti",
    "hardi",
    "hideu",
)

_SEAM = re.compile(
    r"(?<![\w'-])(?:(je|ne|me|te|se|le|la|de|que|jusque|lorsque|puisque)"
    r"|(ce)(?= (?:est|était)\b)|(si)(?= ils?\b)) (?=([\w-]+))",
    re.IGNORECASE,
)


@cache
def vowel_sound(word: str) -> bool:
    """Whether `word` calls for l', d', cet, mon (feminine), bel: it begins with a vowel or a mute h."""
    lowered = word.lower()
    if lowered in ("y", "yeux"):
        return True
    if lowered[0] not in VOWELS or lowered.startswith(ASPIRATED):
        return False
    return lowered not in aspirated_nouns()


def first_word(text: str) -> str:
    """The word that decides how what stands before `text` is written."""
    return re.split(r"[ ',]", text, maxsplit=1)[0]


def _elided(seam: re.Match[str]) -> str:
    word = seam.group(1) or seam.group(2) or seam.group(3)
    return word[:-1] + "'" if vowel_sound(seam.group(4)) else word + " "


def elide(text: str) -> str:
    """`text` with je, ne, de, le, que ... before a vowel sound written j', n', d', l', qu'; also c'est and s'il."""
    return _SEAM.sub(_elided, text)


def contract(preposition: str, nominal: str) -> str:
    """`à` or `de` before a noun phrase: au, aux, du, des where its article asks for them (not before l')."""
    if preposition in ("à", "de"):
        article, _, rest = nominal.partition(" ")
        if article == "les":
            return f"{'aux' if preposition == 'à' else 'des'} {rest}"
        if article == "le" and not vowel_sound(first_word(rest)):
            return f"{'au' if preposition == 'à' else 'du'} {rest}"
    return f"{preposition} {nominal}"


def french_sentence(text: str, mark: str) -> str:
    """`text` with its elisions, a capital and `mark` (`.`, `?`, `!`), the latter two after a plain space."""
    text = elide(text)
    return f"{text[0].upper()}{text[1:]}{mark if mark == '.' else ' ' + mark}"
