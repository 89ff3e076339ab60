"""From the texts of a record to the row of tokens that a model of classes reads; no torch here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from seq2seq.data.tokenizer import BOS, EOS
from seq2seq.data.tokenizers import Tokenizers


class Rows:
    """How the texts of a record become the row of a model: `a </s>`, or `a </s> b </s>`, after `<s>` where the model
    pools the state of its first token. Texts that are too long are cut at their end, the longest first."""

    def __init__(self, max_length: int, *, first: bool) -> None:
        self.max_length = max_length
        self._before = [BOS] if first else []

    def row(self, texts: Sequence[Sequence[int] | NDArray[Any]]) -> list[int]:
        """The tokens of a row, without the last EOS, from those of one text or of two."""
        left = self.max_length - len(self._before) - len(texts)
        longest = [left]
        if len(texts) == 2:
            first = max(left // 2, left - len(texts[1]))
            longest = [first, left - min(first, len(texts[0]))]
        row = [*self._before]
        for number, (text, most) in enumerate(zip(texts, longest, strict=True)):
            row += [EOS] * (number > 0)
            row.extend(text[:most])
        return row

    def is_cut(self, texts: Sequence[Sequence[int]]) -> bool:
        """Whether the texts are too long for a row."""
        return len(self._before) + len(texts) + sum(map(len, texts)) > self.max_length


def tokens_of(tokenizers: Tokenizers, texts: Sequence[tuple[str, ...]]) -> list[list[list[int]]]:
    """The tokens of each text of each record, of which the texts are given."""
    sides = [tokenizers.encode_source(side) for side in zip(*texts)]
    return [list(each) for each in zip(*sides)]
