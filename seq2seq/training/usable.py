"""Whether text can be judged by, told before training rather than after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice

from seq2seq import recipe
from seq2seq.data.corpus import SplitName
from seq2seq.data.direction import looks_swapped
from seq2seq.data.documents import Documents
from seq2seq.data.folding import fold
from seq2seq.data.pairs import PairSource
from seq2seq.data.tokenizers import Tokenizer
from seq2seq.errors import DataError

_SAMPLE, _LETTERS = 1000, 6_000  # pairs, and letters of their sources: fewer tell too little


def blank(text: PairSource) -> Mapping[str, int]:
    """How many pairs show nothing on a side, under the reason."""
    count = sum(not all(fold(side) for side in pair) for pair in text.read())
    return {"blank on a side": count} if count else {}


def say_left_out(split: SplitName, text: PairSource, left_out: Mapping[str, int], say: Callable[[str], None]) -> None:
    """Say how many pairs of a split are of no use to judge by, and why. Raises DataError where all are."""
    count = sum(1 for _ in text.read())
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in left_out.items())
    unusable = sum(left_out.values())
    if unusable == count:
        remedy = ", or raise model.max_length" if "too long" in left_out else ""
        raise DataError(
            f"{text.origin}: none of {count:,} pairs for {split} can be used ({reasons or 'there is none'}); give "
            f"other text for {split}{remedy}"
        )
    if unusable:
        say(f"NOTE: {unusable:,} of {count:,} pairs for {split} are of no use ({reasons})")


def say_swapped(text: PairSource, data: recipe.Data, say: Callable[[str], None]) -> None:
    """Say so where the sides of pairs look like each other's language; of few pairs nothing is said."""
    pairs = list(islice(text.read(), _SAMPLE))
    if sum(len(source) for source, _ in pairs) >= _LETTERS and looks_swapped(pairs, data.source, data.target):
        say(
            f"NOTE: the source of {text.origin} looks like {data.target}, the target like {data.source}: if so, swap "
            "the files, or the columns (--columns)"
        )


def must_hold_tokens(split: SplitName, text: Documents, tokens: int) -> None:
    """Raise DataError where a split of running text has no token to predict."""
    if tokens < 2:
        count = "1 token" if tokens == 1 else f"{tokens} tokens"
        raise DataError(f"{text.origin}: {count} for {split}, nothing to predict; give more text")


def few_tokens(text: Documents, tokenizer: Tokenizer) -> int:
    """How many tokens a text has, counted no further than to a few; documents are parted by one."""
    count = -1
    for piece, ends in text.pieces():
        count += len(tokenizer.encode([piece])[0]) + bool(piece and ends)
        if count > 1:
            break
    return max(count, 0)
