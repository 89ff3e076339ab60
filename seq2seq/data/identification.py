"""The language of a text, by py3langid."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

from seq2seq.data.languages import names

Classify = Callable[[str], tuple[str, float]]  # the code of a language, and its probability


def known(code: str) -> str:
    """The identifier's code of a language; an empty string where it has none."""
    return next((name for name in sorted(names(code), key=len) if name in _languages()), "")


@functools.lru_cache(maxsize=2)
def classifier(*codes: str) -> Classify:
    """Which of some languages, given by the identifier's codes, a text is in; without codes, of all that it knows."""
    identifier = copy.copy(_identifier())
    if codes:
        identifier.set_languages(sorted(codes))
    classify: Classify = identifier.classify
    return classify


@functools.cache
def _languages() -> frozenset[str]:
    return frozenset(_identifier().nb_classes)


@functools.cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
