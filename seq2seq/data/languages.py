"""Language codes, and which languages write without blanks."""

from __future__ import annotations

import re
from functools import cache

_CODES = (
    "ara:ar arb:ar ben:bn ces:cs cmn:zh dan:da deu:de ell:el eng:en fas:fa fin:fi fra:fr heb:he hin:hi hrv:hr hun:hu "
    "ind:id ita:it jpn:ja kor:ko mar:mr nld:nl pol:pl por:pt ron:ro rus:ru slk:sk slv:sl spa:es swe:sv tam:ta tel:te "
    "tha:th tur:tr ukr:uk urd:ur vie:vi zho:zh"
)
_WITHOUT_BLANKS = ("zh", "ja", "yue", "wuu", "nan", "hak", "gan", "lzh", "cdo")  # between sentences
# Scripts in which no blank stands between words, and their punctuation.
_UNSPACED = (
    "[\u0e00-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u3000-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua9e0-\ua9ff\uaa60-\uaadf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff9f\U00020000-\U0003ffff]"
)


def short_code(language: str) -> str:
    """A language code without region and script: fr of fr-CA, fra and FR."""
    code = language.casefold().replace("_", "-").partition("-")[0]
    return _short_codes().get(code, code)


@cache
def _short_codes() -> dict[str, str]:
    return dict(pair.split(":") for pair in _CODES.split())


def writes_blanks(language: str) -> bool:
    """Whether sentences of a language are separated by blanks."""
    return short_code(language) not in _WITHOUT_BLANKS


def is_unspaced(character: str) -> bool:
    """Whether a character is of a script that writes no blanks between words."""
    return re.match(_UNSPACED, character) is not None
