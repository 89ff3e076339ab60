"""Filters by the language of the sides: its script, and what an identifier says."""

from __future__ import annotations

import regex

from seq2seq.data.identification import accepted, classifier, known
from seq2seq.data.languages import short_code
from seq2seq.data.pairs import Pair

_LEAST_CHARACTERS = 30  # a shorter text is not judged: names and single words are in any language
_FIRST, _MOST = 40, 200  # characters judged: the first; more where these are in another language

# Of the languages of `languages`, by short code.
_LATIN = "ca cs da de en eo es et fi fr hr hu id it la lt lv nl no pl pt ro sk sl sv tr vi"
_SCRIPTS = {
    **dict.fromkeys(_LATIN.split(), r"\p{Latin}"),
    **dict.fromkeys(("ar", "fa", "ur"), r"\p{Arabic}"),
    **dict.fromkeys(("bg", "ru", "uk"), r"\p{Cyrillic}"),
    **dict.fromkeys(("hi", "mr"), r"\p{Devanagari}"),
    "bn": r"\p{Bengali}",
    "el": r"\p{Greek}",
    "he": r"\p{Hebrew}",
    "ja": r"\p{Han}\p{Hiragana}\p{Katakana}ー",
    "ko": r"\p{Hangul}\p{Han}",
    "sr": r"\p{Cyrillic}\p{Latin}",
    "ta": r"\p{Tamil}",
    "te": r"\p{Telugu}",
    "th": r"\p{Thai}",
    "zh": r"\p{Han}\p{Bopomofo}",
}


class MaxOtherScript:
    """A side of which many letters are in a script that its language is not written in. Languages whose script is not
    known are not judged."""

    def __init__(self, most: float, source_language: str, target_language: str) -> None:
        self._most = most
        scripts = [_SCRIPTS.get(short_code(language)) for language in (source_language, target_language)]
        self._others = [script and regex.compile(rf"[\p{{L}}--[{script}]]", regex.V1) for script in scripts]
        self._latin = [script == r"\p{Latin}" for script in scripts]

    def takes(self, pair: Pair) -> bool:
        """Whether more than the most of a side's letters are in another script."""
        for side, other, latin in zip(pair, self._others, self._latin):
            if other and not (latin and side.isascii()):
                foreign = len(other.findall(side))
                if foreign and foreign > self._most * sum(map(str.isalpha, side)):
                    return True
        return False


class OtherLanguage:
    """A side that is certainly in another language. Where the identifier does not know both languages, or they are the
    same, nothing is judged."""

    def __init__(self, sure: float, source_language: str, target_language: str) -> None:
        self._sure = sure
        codes = known(source_language), known(target_language)
        self._judged = all(codes) and codes[0] != codes[1]
        self._accepted = [accepted(language) for language in (source_language, target_language)]

    def takes(self, pair: Pair) -> bool:
        """Whether a side of 30 or more characters is in another language, with the probability that is sure."""
        return self._judged and any(map(self._is_other, pair, self._accepted))

    def _is_other(self, side: str, accepted: frozenset[str]) -> bool:
        if len(side) < _LEAST_CHARACTERS:
            return False
        classify = classifier()
        if classify(side[:_FIRST])[0] in accepted:
            return False
        language, probability = classify(side[:_MOST])
        return language not in accepted and probability >= self._sure
