"""When two texts are equal apart from their form."""

from __future__ import annotations

import hashlib
import re
import unicodedata

import regex

_FORMS = {
    **dict.fromkeys(map(ord, "‐‑‒–—―−〜"), "-"),
    **dict.fromkeys(map(ord, "’‘ʼ՚"), "'"),
    0x2044: "/",  # of ½
    **dict.fromkeys(
        [ord("`"), 0x0640, *range(0xFE00, 0xFE10)], None
    ),  # the tatweel lengthens, selectors choose a glyph
}
_EVERYDAY = re.compile(r"[^a-zà-öø-ÿœ ,.;:!?'’\"«»()…-]|-(?![a-z])|(?<!\S)\.(?=[a-zà-öø-ÿœ])")
_NOT_LETTERS = re.compile(r"[\W_]+")
# NFKC would make 105 of 10⁵, x2 of x², and eleven halves of 1½.
_COMPOSED = re.compile("(?<=[^\\W_])[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_FRACTIONS = re.compile("(?<=\\d)(?=[¼-¾⅐-⅟↉])")
_THOUSANDS = regex.compile(r"(?<=\p{N})\s(?=\p{N}{3}(?!\p{N}))")
_BETWEEN_DIGITS = regex.compile(r"(?<=\p{N})[\s\p{P}]+(?=\p{N})")
_KEPT = regex.compile(
    r"[\p{L}\p{N}\p{S}\#%&@§‰‱٪][\p{L}\p{M}\p{N}\p{S}\#%&@§‰‱٪]*"
    r"|(?<=\p{N})(?:\p{P}+|\s)(?=\p{N})"  # 3.14, 1:30, 5-3; 5 6
    r"|(?<![\p{L}\p{M}\p{N}])-(?=\p{Sc}?[.,]?\p{N})"  # -5, -$5
    r"|(?<![^\s\p{Sc}-])(?:[.,](?=\p{N})|\.(?=\p{L}))"  # .5, .NET
    r"|(?<=\p{N})[′″]+|(?<=\p{L})_(?=\p{L})"
    r"|(?<=\p{N}e)-(?=\p{N})"  # 1e-5
    r"|(?<=(?<![\p{L}\p{M}\p{N}*])\p{L})[-*](?![\p{L}\p{N}])"  # A-, A*, as against A and A+
)


def fold(text: str) -> bytes:
    """A short digest of what distinguishes a text from others; empty for one without a visible character.

    Equal where only the form differs: case, compatibility forms (NFKC), blanks, punctuation and quotation marks. Not
    equal where letters, marks on them (of any script), numbers with their signs and separators, or symbols do (`C++`
    and `C`, `-5.5` and `55`, `$5`, `50%`). Of a text of punctuation only, the punctuation counts.
    """
    apart = text if text.isascii() else _COMPOSED.sub(lambda match: "^" + match[0], _FRACTIONS.sub(" ", text))
    plain = unicodedata.normalize("NFKC", apart).casefold()
    kept = _NOT_LETTERS.sub("", plain) if not _EVERYDAY.search(plain) else _distinctive(plain)
    if not kept:
        kept = "".join(char for char in plain if not char.isspace() and unicodedata.category(char) != "Cf")
    return hashlib.blake2b(kept.encode("utf-8", "surrogatepass"), digest_size=8).digest() if kept else b""


def is_blank(text: str) -> bool:
    """Whether a text has no visible character: it has an empty digest, which letters and digits never have."""
    return not any(map(str.isalnum, text)) and not fold(text)


def _distinctive(plain: str) -> str:
    plain = plain.translate(_FORMS).replace("i\u0307", "i")  # which a capital I with a dot becomes
    plain = _THOUSANDS.sub("", plain)
    plain = _BETWEEN_DIGITS.sub(lambda match: "".join(match[0].split()) or " ", plain)
    return "".join(_KEPT.findall(plain))
