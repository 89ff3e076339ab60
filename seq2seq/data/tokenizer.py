"""What every tokenizer is: text to tokens and back, behind one small protocol."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from seq2seq.errors import refuse_one_text

PAD, UNKNOWN, BOS, EOS = range(4)
SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")

_SURROGATE = re.compile("[\ud800-\udfff]")


class Tokenizer(Protocol):
    """Text in, token ids out, and back. Ids 0 to 3 are PAD, UNKNOWN, BOS and EOS; `encode` adds none of them."""

    size: int

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text."""

    def sample(self, texts: Sequence[str], strength: float, seed: int) -> list[list[int]]:
        """One random segmentation of each text, a pure function of the arguments; here the only one there is."""
        return self.encode(texts)

    def decode(self, tokens: Sequence[Sequence[int]]) -> list[str]:
        """The text of each token sequence."""

    def piece(self, token: int) -> str:
        """How one token looks."""

    def serialise(self) -> tuple[str, bytes]:
        """File suffix and contents that `read` takes."""


def encodable(texts: Sequence[str]) -> list[str]:
    """The texts, with half surrogate pairs (undecodable bytes of a command line) replaced by U+FFFD."""
    refuse_one_text(texts, "encode")
    return [text if text.isascii() else _SURROGATE.sub("\ufffd", text) for text in texts]
