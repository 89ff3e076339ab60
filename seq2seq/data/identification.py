"""The language of a text, by py3langid."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from itertools import combinations
from typing import Any

from seq2seq.data.languages import names

# An identifier that is sure may still confuse these.
_CONFUSED = frozenset(
    frozenset(two)
    for group in ("da nn no", "bs hr sr", "id ms", "cs sk", "wuu yue zh", "gl pt", "bg mk", "ru uk be", "en pcm")
    for two in combinations(group.split(), 2)
)

IdentifyLanguage = Callable[[str], tuple[str, float]]  # the code of a language, and its probability


def known(code: str) -> str:
    """The identifier's code of a language; an empty string where it has none."""
    return next((name for name in sorted(names(code), key=len) if name in _identifier().nb_classes), "")


def accepted(language: str) -> frozenset[str]:
    """The codes by which the identifier may call a text in a language: its own, and those that it confuses with it."""
    code = known(language)
    return names(language) | {other for two in _CONFUSED if code in two for other in two}


@functools.lru_cache(maxsize=2)
def classifier(*codes: str) -> IdentifyLanguage:
    """Which of some languages, given by the identifier's codes, a text is in; without codes, of all that it knows."""
    identifier = copy.copy(_identifier())
    if codes:
        identifier.set_languages(sorted(codes))
    classify: IdentifyLanguage = identifier.classify
    return classify


@functools.cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
