"""English spelling: a or an, plurals and genitives, regular verb forms, degrees of adjectives, capitals."""

from functools import cache

_SILENT_H = ("hour", "honest", "honor", "heir")
_CONSONANT_SOUND = ("uni", "use", "usu", "eu", "one", "uk", "ur", "ute", "once")
_VOWEL_AFTER_UNI = ("unin", "unim", "unid", "unil", "unimp", "urg", "urb", "usher")

# One-syllable and -y adjectives follow rules; these others take -er too.
_SHORT = frozenset({"quiet", "simple", "narrow", "clever", "gentle", "polite", "little"})
_LONG = frozenset({"tired", "bored", "real", "wrong", "right", "clear-cut", "fun", "pleased", "scared", "lost", "worn"})
_IRREGULAR = {
    "good": ("better", "best"),
    "bad": ("worse", "worst"),
    "far": ("farther", "farthest"),
    "well": ("better", "best"),
    "shy": ("shyer", "shyest"),
}
_DOUBLING = frozenset({"big", "fat", "hot", "sad", "thin", "wet", "red", "dim", "slim", "flat", "mad"})
_VOWELS = "aeiou"


@cache
def a_or_an(following: str) -> str:
    """The indefinite article before the word or phrase `following`."""
    word = following.lower()
    if word.startswith(_SILENT_H):
        return "an"
    if word.startswith(_CONSONANT_SOUND) and not word.startswith(_VOWEL_AFTER_UNI):
        return "a"
    return "an" if word[0] in "aeiou" or word.startswith(("eight", "eleven")) else "a"


def genitive(owner: str) -> str:
    """`owner` as the possessor of what follows: Paul's, the neighbors'."""
    return owner + ("'" if owner.endswith("s") and " " in owner and not owner.endswith("ss") else "'s")


def _syllables(word: str) -> int:
    groups = sum(
        1 for index, letter in enumerate(word) if letter in "aeiouy" and (not index or word[index - 1] not in "aeiouy")
    )
    return groups - (word.endswith("e") and not word.endswith("le") and groups > 1)


@cache
def _short(adjective: str) -> bool:
    if adjective in _LONG or " " in adjective or "-" in adjective:
        return False
    syllables = _syllables(adjective)
    return adjective in _SHORT or syllables == 1 or (syllables == 2 and adjective.endswith("y"))


def _stem(adjective: str) -> str:
    if adjective.endswith("y") and adjective[-2] not in _VOWELS:
        return adjective[:-1] + "i"
    if adjective.endswith("e"):
        return adjective[:-1]
    return adjective + adjective[-1] if adjective in _DOUBLING else adjective


@cache
def comparative(adjective: str) -> str:
    """The degree before "than": bigger, happier, better, more useful."""
    if adjective in _IRREGULAR:
        return _IRREGULAR[adjective][0]
    return _stem(adjective) + "er" if _short(adjective) else f"more {adjective}"


@cache
def superlative(adjective: str) -> str:
    """The degree after "the": biggest, happiest, best, most useful."""
    if adjective in _IRREGULAR:
        return _IRREGULAR[adjective][1]
    return _stem(adjective) + "est" if _short(adjective) else f"most {adjective}"


def split_verb(verb: str) -> tuple[str, str]:
    """The word of an English verb that inflects and the rest of it with its space: ("look", " for")."""
    head, space, rest = verb.partition(" ")
    return head, space + rest


@cache
def third_person(verb: str) -> str:
    """`verb` with he or she: goes, has, tries, looks for."""
    head, rest = split_verb(verb)
    if head in ("have", "be"):
        return ("has" if head == "have" else "is") + rest
    if head.endswith(("s", "x", "z", "ch", "sh", "o")):
        return head + "es" + rest
    if head.endswith("y") and head[-2] not in _VOWELS:
        return head[:-1] + "ies" + rest
    return head + "s" + rest


@cache
def regular_past(verb: str) -> str:
    """`verb` with -ed; the final consonant is not doubled (such verbs say their past in the lexicon)."""
    head, rest = split_verb(verb)
    if head.endswith("e"):
        return head + "d" + rest
    if head.endswith("y") and head[-2] not in _VOWELS:
        return head[:-1] + "ied" + rest
    return head + "ed" + rest


@cache
def regular_gerund(verb: str) -> str:
    """`verb` with -ing; the final consonant is not doubled (such verbs say their gerund in the lexicon)."""
    head, rest = split_verb(verb)
    if head.endswith("ie"):
        return head[:-2] + "ying" + rest
    if head.endswith("e") and not head.endswith(("ee", "oe", "ye")) and head != "be":
        return head[:-1] + "ing" + rest
    return head + "ing" + rest


def english_sentence(text: str, mark: str) -> str:
    """`text` with a capital and `mark`."""
    return f"{text[0].upper()}{text[1:]}{mark}"
