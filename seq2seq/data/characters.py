"""Characters that matter before a text is tokenized: invisible ones, letters, apostrophes, ends of sentences.

Patterns are compiled when they are used, by `re` alone: a command starts at once.
"""

from __future__ import annotations

import re

# Scripts in which a joiner, or its absence, changes the reading: Arabic and its neighbours, those of India and of
# South-East Asia, Mongolian.
_JOINING = (
    "\u0600-\u109f\u1700-\u18af\u1900-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00010fff"
    "\U00011000-\U00011fff"
)
_EMOJI = "\u00a9\u00ae\u203c-\u2049\u2122-\u21ff\u2300-\u2bff\u3030\u303d\u3297\u3299\ufe0f\U0001f000-\U0001faff"

# Soft hyphens, zero-width spaces, word joiners, byte order marks, directional marks, control characters; joiners and
# variation selectors without an effect; tags that do not spell a flag.
_INVISIBLE = (
    "[\\x00-\\x08\\x0e-\\x1b\\x7f\u00ad\u034f\u061c\u17b4\u17b5\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff0-\ufffb\U0001bca0-\U0001bca3]"
    f"|(?<![{_JOINING}])\u200c"
    f"|(?<![{_JOINING}{_EMOJI}])\u200d"
    "|(?<![\u1800-\u18af])[\u180b-\u180f]"
    "|(?:(?<=\\s)|^)[\ufe00-\ufe0f]+"
    "|(?<![\U0001f3f4\U000e0000-\U000e0fff])[\U000e0000-\U000e0fff]+"
)
# All characters of lines that look empty.
_EMPTY = (
    "[\\s\\x00-\\x08\\x0e-\\x1b\\x7f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U000e0000-\U000e0fff]*"
)
_SILENT = frozenset("\u0640\u115f\u1160\u3164\uffa0")  # letters only by their category: a stroke, fillers

# Ends of sentences that need no blank after them: of Chinese and Japanese, India, Arabic and Urdu, Armenian, Ethiopic,
# Burmese, Khmer, Tibetan, Mongolian and smaller scripts.
WIDE_ENDS = (
    "\u3002\uff01\uff1f\uff61\uff0e\ufe57\ufe56\u0964\u0965\u061f\u06d4\u0589\u1362\u1367\u1368\u104b\u17d4\u17d5"
    "\u0f0e\u166e\u1803\u1809\u1c7e\u1c7f\ua60e\ua60f\ua6f3\ua6f7"
)
ENDS = f".!?…‽⁇⁈⁉‼{WIDE_ENDS}"
_END = f"[{re.escape(ENDS)}\u0f0d;\u037e]"
_AFTER_ENDS = f"{ENDS}\u0f0d; \\t\"'”’»›)]}}」』）】》〉"

_ABBREVIATION = 6  # letters

_APOSTROPHES = "\u2019\u02bc\uff07"
_TYPOGRAPHIC = f"[{_APOSTROPHES}]"
_INNER = f"(?<=\\w)[{_APOSTROPHES}](?=\\w)"


def visible(text: str) -> str:
    """The text without its invisible characters. White space stays, and so do joiners where a script or an emoji needs
    them."""
    return text if _is_plain(text) else re.sub(_INVISIBLE, "", text)


def is_blank(text: str) -> bool:
    """Whether the text has no visible character."""
    return not text.strip() if _is_plain(text) else re.fullmatch(_EMPTY, text) is not None


def has_letters(text: str) -> bool:
    """Whether the text can contain a word, which numbers, punctuation, symbols and emoji are not."""
    return any(character.isalpha() and character not in _SILENT for character in text)


def plain_apostrophes(text: str) -> str:
    """The text with typographic apostrophes made plain; a mark that may close a quotation stays."""
    return text if text.isascii() else re.sub(_INNER if "\u2018" in text else _TYPOGRAPHIC, "'", text)


def has_typographic_apostrophe(text: str) -> bool:
    """Whether an apostrophe between letters is not the plain one."""
    return not text.isascii() and re.search(_INNER, text) is not None


def in_capitals(text: str) -> bool:
    """Whether a text of several letters has capitals alone, so that they distinguish nothing; a short one may be an
    abbreviation."""
    return text.isupper() and sum(map(str.isalpha, text)) > _ABBREVIATION


def without_capitals(text: str) -> str:
    """The text in small letters but for the first."""
    lower = text.lower()
    first = next((place for place, character in enumerate(lower) if character.isalpha()), 0)
    return lower[:first] + lower[first : first + 1].upper() + lower[first + 1 :]


def may_hold_several(text: str) -> bool:
    """Whether a sentence may end before the text does: a quick check, which knows no abbreviations."""
    return re.search(_END, text.rstrip(_AFTER_ENDS)) is not None


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
