"""Which sentences are held out: a pair of concepts met in a test or development sentence is never met in training."""

import re
import unicodedata
from functools import cache
from hashlib import blake2b
from itertools import combinations
from typing import Literal

Split = Literal["train", "dev", "test"]

_SALT = b"seqx phrasebook 1"
_SHARE_PER_MILLE = 40


@cache
def _split_of_pair(first: str, second: str) -> Split:
    digest = blake2b(f"{first}\0{second}".encode(), key=_SALT, digest_size=4).digest()
    place = int.from_bytes(digest, "big") % 1000
    if place < _SHARE_PER_MILLE:
        return "test"
    return "dev" if place < 2 * _SHARE_PER_MILLE else "train"


def combinations_of(concepts: frozenset[str]) -> frozenset[tuple[str, str]]:
    """Every unordered pair of concepts that meet in a sentence."""
    return frozenset(combinations(sorted(concepts), 2))


def split_of(concepts: frozenset[str]) -> Split:
    """Where a sentence with these concepts belongs: test if any of its pairs does, else dev if any does, else train."""
    found: Split = "train"
    for first, second in combinations(sorted(concepts), 2):
        split = _split_of_pair(first, second)
        if split == "test":
            return "test"
        if split == "dev":
            found = "dev"
    return found


def _folded(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0]
    return {"œ": "oe", "æ": "ae"}.get(base, base if base.isalnum() else "")


_FOLDING = {code: _folded(chr(code)) for code in range(0x250)}


def key(text: str) -> str:
    """`text` without case, accents, punctuation and space: what two sentences share if one is the other badly typed."""
    return text.casefold().translate(_FOLDING)


def words(text: str) -> tuple[str, ...]:
    """The words of `text`, lower case; an elided article or pronoun (l') is a word."""
    return tuple(re.findall(r"\w+(?:'(?=\w))?", text.casefold()))
