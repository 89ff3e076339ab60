"""The interface of generators, which continue a prompt. No torch here."""

from __future__ import annotations

import collections.abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from seq2seq.data.tokenizer import EOS, UNKNOWN, Tokenizer
from seq2seq.decoding.options import DEFAULT, GenerationOptions

TextOrTokens = str | Sequence[int]  # text, or the tokens that the model reads
Ended = Literal["end", "stop", "length"]  # by EOS, by a stop string, or at the maximum length


@dataclass(frozen=True)
class Generated:
    """One text that continues a prompt."""

    text: str  # without the prompt
    tokens: tuple[int, ...]  # all that were chosen: without EOS, with those that a stop string cut off
    log_probability: float  # natural-log, of all that were chosen, EOS included; before temperature and filters
    ended: Ended


class TextGenerator(Protocol):
    """A language model with its tokenizer."""

    def stream(
        self, prompt: TextOrTokens, options: GenerationOptions = DEFAULT
    ) -> collections.abc.Generator[str, None, Generated]:
        """Pieces of the text as they are generated, in whole characters; joined, they are the returned text.

        The possible start of a stop string is held back until it is decided. Raises RunError where the model gives
        no finite probability, or the generator lacks what the options ask for.
        """

    def generate(self, prompt: TextOrTokens, options: GenerationOptions = DEFAULT, samples: int = 1) -> list[Generated]:
        """Several texts from one prompt; text i is the same however many there are. With beam search, the most
        probable ones found, best first. Raises as `stream` does."""


def prompt_tokens(tokenizer: Tokenizer, prompt: TextOrTokens, *, documents: bool) -> list[int]:
    """The tokens of a prompt, at least one. `documents` says that the training text was many documents, each ended by
    EOS: without a prompt a new document begins, else a new line."""
    if not isinstance(prompt, str):
        return list(prompt)
    tokens, line_end = tokenizer.encode([prompt, "\n"])
    if tokens:
        return tokens
    return [EOS] if documents or UNKNOWN in line_end else line_end


def unknown(tokenizer: Tokenizer, text: str) -> list[str]:
    """The characters of a text that a tokenizer does not know, each once."""
    characters = list(dict.fromkeys(text))
    tokens = tokenizer.encode(characters)
    return [character for character, encoded in zip(characters, tokens, strict=True) if UNKNOWN in encoded]
