"""Noun phrases in both languages: determiners, agreement of adjectives, what precedes a vowel sound."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from tests.phrasebook.grammar.english_text import a_or_an
from tests.phrasebook.grammar.french_text import contract, first_word, vowel_sound
from tests.phrasebook.grammar.predicate import join
from tests.phrasebook.lexicon import Adjective, Noun

Determiner = Literal[
    "definite", "indefinite", "generic", "demonstrative", "distant", "possessive", "negated", "numeral", "bare"
]

# Masculine singular forms before a vowel sound.
_BEFORE_VOWEL = {"beau": "bel", "nouveau": "nouvel", "vieux": "vieil"}

# One row an owner: masculine, feminine, plural, English.
POSSESSIVES = {
    "je": ("mon", "ma", "mes", "my"),
    "tu": ("ton", "ta", "tes", "your"),
    "il": ("son", "sa", "ses", "his"),
    "elle": ("son", "sa", "ses", "her"),
    "nous": ("notre", "notre", "nos", "our"),
    "vous": ("votre", "votre", "vos", "your"),
    "ils": ("leur", "leur", "leurs", "their"),
}


@dataclass(frozen=True, slots=True)
class NounPhrase:
    """A noun with its determiner, in both languages; in `french` nothing is elided or contracted yet."""

    french: str
    english: str
    feminine: bool
    plural: bool
    noun: Noun
    concepts: tuple[str, ...]


@cache
def adjective_form(adjective: Adjective, feminine: bool, plural: bool) -> str:
    """The form of `adjective` for a gender and number (not the one before a vowel sound)."""
    if feminine:
        return adjective.feminine_plural if plural else adjective.feminine
    return adjective.masculine_plural if plural else adjective.masculine


def _french_core(noun: Noun, plural: bool, adjective: Adjective | None) -> str:
    word = noun.french_plural if plural else noun.french
    if adjective is None:
        return word
    form = adjective_form(adjective, noun.feminine, plural)
    if not adjective.before:
        return f"{word} {form}"
    if not plural and not noun.feminine and vowel_sound(first_word(word)):
        form = _BEFORE_VOWEL.get(form, form)
    return f"{form} {word}"


def article(feminine: bool, plural: bool) -> str:
    """The definite article before elision."""
    return "les" if plural else "la" if feminine else "le"


def _demonstrative(core: str, feminine: bool, plural: bool) -> str:
    if plural:
        return "ces"
    if feminine:
        return "cette"
    return "cet" if vowel_sound(first_word(core)) else "ce"


def _possessive(core: str, feminine: bool, plural: bool, owner: str) -> str:
    masculine, feminine_form, plural_form, _ = POSSESSIVES[owner]
    if plural:
        return plural_form
    return feminine_form if feminine and not vowel_sound(first_word(core)) else masculine


def concept(noun: Noun) -> str:
    """The name under which a noun's combinations are counted: its English, so that synonyms share it."""
    return f"n:{noun.english}"


def noun_phrase(
    noun: Noun,
    determiner: Determiner,
    *,
    plural: bool = False,
    adjective: Adjective | None = None,
    owner: str = "je",
    numeral: tuple[str, str] = ("", ""),
    some: str = "some",
) -> NounPhrase:
    """`noun` with its determiner and at most one adjective.

    `indefinite` is a, or some (`some` may say any) for plurals and mass nouns; `negated` follows a negation: de, any
    (`some` may also be "a"); `generic` has the definite article in French and none in English; `distant` is that
    (ce ...-là); `owner` is a key of `POSSESSIVES`; `numeral` the French and English words of a number.
    """
    core = _french_core(noun, plural, adjective)
    word = noun.english_plural if plural and not noun.mass else noun.english
    english = join(adjective.english if adjective else "", word)
    concepts = (concept(noun),) if adjective is None else (concept(noun), f"a:{adjective.english}")
    definite = article(noun.feminine, plural)
    match determiner:
        case "definite":
            french, english = f"{definite} {core}", f"the {english}"
        case "generic":
            french = f"{definite} {core}"
        case "indefinite" if noun.mass:
            french, english = contract("de", f"{definite} {core}"), join(some, english)
        case "indefinite" if plural:
            # Careful French has de before an adjective that precedes its noun.
            french, english = f"{'de' if adjective and adjective.before else 'des'} {core}", join(some, english)
        case "indefinite":
            french, english = f"{'une' if noun.feminine else 'un'} {core}", f"{a_or_an(english)} {english}"
        case "negated":
            french, english = f"de {core}", join(a_or_an(english) if some == "a" else some, english)
        case "demonstrative":
            french = f"{_demonstrative(core, noun.feminine, plural)} {core}"
            english = f"{'these' if plural else 'this'} {english}"
        case "distant":
            french = f"{_demonstrative(core, noun.feminine, plural)} {core}-là"
            english = f"{'those' if plural else 'that'} {english}"
        case "possessive":
            french = f"{_possessive(core, noun.feminine, plural, owner)} {core}"
            english = f"{POSSESSIVES[owner][3]} {english}"
        case "numeral":
            french, english = f"{numeral[0]} {core}", f"{numeral[1]} {english}"
        case "bare":
            french = core
    return NounPhrase(french, english, noun.feminine, plural, noun, concepts)
