"""Incremental decoding: the tokens of a language model to text as they are generated. No torch here."""

from __future__ import annotations

import math
from collections.abc import Sequence

from seq2seq.data.tokenizer import EOS, Tokenizer
from seq2seq.decoding.generation.generator import Ended, Generated
from seq2seq.decoding.hypothesis import NOT_FINITE
from seq2seq.errors import RunError


class IncrementalDecoder:
    """One text as it is generated. `take` and `close` return what they add to it: whole characters, and never the start
    of a stop string."""

    def __init__(self, tokenizer: Tokenizer, stop: Sequence[str]) -> None:
        self.ended: Ended | None = None
        self._tokens: list[int] = []
        self._log_probability = 0.0
        self._pieces: list[str] = []
        self._characters = WholeCharacters(tokenizer)
        self._stop = StopStrings(stop)

    def take(self, token: int, score: float) -> str:
        """A token and its log-probability -> what it adds to the text. Raises RunError where that is no number."""
        if not math.isfinite(score):
            raise RunError(NOT_FINITE)
        self._log_probability += score
        if token == EOS:
            self.ended = "end"
            return self._add(self._characters.rest(), last=True)
        self._tokens.append(token)
        return self._add(self._characters.take(token))

    def close(self) -> str:
        """End the text here -> what was held back of it."""
        if self.ended:
            return ""
        self.ended = "length"
        return self._add(self._characters.rest(), last=True)

    def generated(self) -> Generated:
        """The text, ended."""
        assert self.ended is not None
        return Generated("".join(self._pieces), tuple(self._tokens), self._log_probability, self.ended)

    def _add(self, text: str, *, last: bool = False) -> str:
        piece = self._stop.take(text)
        if self._stop.found:
            self.ended = "stop"
        elif last:
            piece += self._stop.rest()
        self._pieces.append(piece)
        return piece


class WholeCharacters:
    """Tokens to whole characters, which joined are the text of all tokens."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._tokens: list[int] = []  # since the last whole character
        self._returned = 0  # characters of these tokens

    def take(self, token: int) -> str:
        """The characters that are whole with this token."""
        self._tokens.append(token)
        (text,) = self._tokenizer.decode([self._tokens])
        # The first bytes of a character decode to one U+FFFD at the end, which the next token may complete.
        whole = text.removesuffix("\ufffd")
        new = whole[self._returned :]
        self._returned = len(whole)
        if whole == text:
            self._tokens, self._returned = [], 0
        return new

    def rest(self) -> str:
        """What was held back, at the end."""
        (text,) = self._tokenizer.decode([self._tokens])
        return text[self._returned :]


class StopStrings:
    """Cuts a text before the stop string that is completed first; of several, before the one that begins first."""

    def __init__(self, stop: Sequence[str]) -> None:
        self.found = False
        self._stop = stop
        self._held = ""

    def take(self, text: str) -> str:
        """More text -> the part of it, and of the text held back, that is before any stop string."""
        self._held += text
        ends = [(start + len(stop), start) for stop in self._stop if (start := self._held.find(stop)) >= 0]
        if ends:
            self.found = True
            cut = min(ends)[1]
        else:
            begun = (size for stop in self._stop for size in range(len(stop)) if self._held.endswith(stop[:size]))
            cut = len(self._held) - max(begun, default=0)
        before, self._held = self._held[:cut], self._held[cut:]
        return before

    def rest(self) -> str:
        """What was held back, where no stop string was completed."""
        return self._held
