"""Codes and names of languages, and which of them are written without blanks."""

from __future__ import annotations

import re
from functools import cache

# The code of a recipe, then all other names; other languages are known by their code only.
_KNOWN = """
ar ara arb arabic العربية arabe
bg bul bulgarian български
bn ben bengali বাংলা
ca cat catalan català
cs ces cze czech čeština
da dan danish dansk
de deu ger german deutsch allemand
el ell gre greek ελληνικά
en eng english anglais
eo epo esperanto
es spa spanish español espagnol castellano
et est estonian eesti
fa fas per persian farsi فارسی
fi fin finnish suomi
fr fra fre french français francais
he heb hebrew עברית
hi hin hindi हिन्दी
hr hrv croatian hrvatski
hu hun hungarian magyar
id ind indonesian indonesia
it ita italian italiano italien
ja jpn japanese 日本語 japonais
ko kor korean 한국어
la lat latin latina
lt lit lithuanian lietuvių
lv lav latvian latviešu
mr mar marathi मराठी
nl nld dut dutch nederlands
no nor nb nob norwegian norsk
pl pol polish polski
pt por portuguese português portugais
ro ron rum romanian română
ru rus russian русский russe
sk slk slo slovak slovenčina
sl slv slovenian slovenščina
sr srp serbian српски
sv swe swedish svenska
ta tam tamil தமிழ்
te tel telugu తెలుగు
th tha thai ไทย
tr tur turkish türkçe
uk ukr ukrainian українська
ur urd urdu اردو
vi vie vietnamese
zh zho chi cmn chinese mandarin 中文 chinois
"""
_WITHOUT_BLANKS = ("zh", "ja", "yue", "wuu", "nan", "hak", "gan", "lzh", "cdo")  # between sentences
# Scripts in which no blank stands between words, and their punctuation.
_UNSPACED = (
    "[\u0e00-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u3000-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua9e0-\ua9ff\uaa60-\uaadf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff9f\U00020000-\U0003ffff]"
)


def names(code: str) -> frozenset[str]:
    """Every name of the language of a code (`fr`, `fra`, `fr-FR`), in small letters."""
    short = short_code(code)
    return _known().get(short, frozenset((short,))) | {code.casefold()}


def short_code(language: str) -> str:
    """A language code without region and script: fr of fr-CA, fra and FR."""
    code = language.casefold().replace("_", "-").partition("-")[0]
    return next((short for short, all_names in _known().items() if code in all_names), code)


def english_name(code: str) -> str:
    """The English name of the language of a code; the code itself where it is not known."""
    row = next((line.split() for line in _KNOWN.strip().split("\n") if line.split()[0] == short_code(code)), [])
    return next((name.capitalize() for name in row if len(name) > 3), code)


def writes_blanks(language: str) -> bool:
    """Whether sentences of a language are separated by blanks."""
    return short_code(language) not in _WITHOUT_BLANKS


def is_unspaced(character: str) -> bool:
    """Whether a character is of a script that writes no blanks between words."""
    return re.match(_UNSPACED, character) is not None


@cache
def _known() -> dict[str, frozenset[str]]:
    return {line.split()[0]: frozenset(line.split()) for line in _KNOWN.strip().split("\n")}
