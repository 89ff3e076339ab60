"""Text that goes on from a prompt: what is asked, and what answers. No torch here."""

from __future__ import annotations

import collections.abc
from dataclasses import dataclass, field
from typing import Protocol

from seq2seq.data.tokenizers import EOS, UNKNOWN, Tokenizer
from seq2seq.decoding.engine import Sampling
from seq2seq.decoding.writer import Generated


@dataclass(frozen=True)
class Options:
    """How to go on."""

    sampling: Sampling = field(default_factory=lambda: Sampling(temperature=0.8))
    max_tokens: int = 500
    stop: tuple[str, ...] = ()  # the text ends before the first of these, none of them empty
    beam_size: int = 0  # 1 or more: in place of sampling, search for the most probable text
    cached: bool = True  # False = read everything anew at each step: the same text, slowly


DEFAULT = Options()


class TextGenerator(Protocol):
    """What goes on from a prompt."""

    def stream(self, prompt: str, options: Options = DEFAULT) -> collections.abc.Generator[str, None, Generated]:
        """Pieces of the text as they come, whole characters all; joined they are the text, which is also returned.

        What may be the start of a stop string is held back until that is decided. Raises RunError where the model gives
        no finite probability.
        """

    def generate(self, prompt: str, options: Options = DEFAULT, samples: int = 1) -> list[Generated]:
        """Several texts from one prompt; text i is the same however many there are.

        Raises RunError where the model gives no finite probability.
        """


def prompt_tokens(tokenizer: Tokenizer, prompt: str, *, documents: bool) -> list[int]:
    """The tokens of a prompt, one at least. `documents` says that the training text was many documents, each ended by
    EOS: without a prompt a document begins, else a line."""
    tokens, line_end = tokenizer.encode([prompt, "\n"])
    if tokens:
        return tokens
    return [EOS] if documents or UNKNOWN in line_end else line_end


def unknown(tokenizer: Tokenizer, text: str) -> list[str]:
    """The characters of a text that a tokenizer does not know, each once."""
    characters = list(dict.fromkeys(text))
    tokens = tokenizer.encode(characters)
    return [character for character, each in zip(characters, tokens, strict=True) if UNKNOWN in each]
