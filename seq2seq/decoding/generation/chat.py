"""A conversation with a model: turns are kept as long as they fit into its context. No torch here."""

from __future__ import annotations

from collections.abc import Generator as Iterating
from collections.abc import Mapping, Sequence

from seq2seq.data import template
from seq2seq.data.conversations import Turn, turn_of
from seq2seq.data.tokenizer import BOS, Tokenizer
from seq2seq.decoding.generation.generator import Generated, TextGenerator
from seq2seq.decoding.options import GenerationOptions
from seq2seq.errors import DataError


class Chat:
    """Turns with one model. `dropped` counts the oldest ones, which the context does not hold any more."""

    def __init__(self, generator: TextGenerator, tokenizer: Tokenizer, context: int, system: str = "") -> None:
        self._generator = generator
        self._tokenizer = tokenizer
        self._context = context
        self._system = (Turn("system", system),) if system else ()
        self.turns: tuple[Turn, ...] = ()
        self.dropped = 0

    def reset(self) -> None:
        """Forget all turns but the system's instruction."""
        self.turns, self.dropped = (), 0

    def say(self, text: str, options: GenerationOptions) -> Iterating[str, None, Generated]:
        """What the model answers, in pieces as they are generated; the user's turn and the answer are then part of the
        conversation. Raises DataError where the text alone leaves no space for an answer."""
        turns = (*self.turns, Turn("user", text))
        tokens, kept = prompt(self._tokenizer, (*self._system, *turns), self._context, options.max_tokens)
        self.dropped += len(self._system) + len(turns) - len(kept)
        generated = yield from self._generator.stream(tokens, options)
        self.turns = (*kept[len(self._system) :], Turn("assistant", generated.text))
        return generated


def turns_of(messages: Sequence[Mapping[str, str]]) -> tuple[Turn, ...]:
    """Messages with `role` and `content` as turns. Raises DataError: another role, or the last is not a user's."""
    turns = tuple(turn_of(message, f"message {number}") for number, message in enumerate(messages, start=1))
    if not turns or turns[-1].role != "user":
        raise DataError("messages: the last must have the role user, since it is answered; add one")
    return turns


def prompt(
    tokenizer: Tokenizer, turns: Sequence[Turn], context: int, max_tokens: int
) -> tuple[list[int], tuple[Turn, ...]]:
    """The tokens of turns up to the beginning of an answer, and the turns that they are of: without the oldest ones
    where an answer of `max_tokens`, or of a quarter of the context where that is less, would have no space. Raises
    DataError where the last turn alone leaves no space."""
    space = context - 1 - min(max_tokens, max(1, context // 4))
    (encoded,) = template.encode(tokenizer, [turns])
    first = 1 if turns[0].role == "system" else 0
    while sum(map(len, encoded)) > space and len(encoded) > first + 2:
        del encoded[first : first + 2]
        turns = (*turns[:first], *turns[first + 2 :])
    length = sum(map(len, encoded))
    if length >= context:
        raise DataError(
            f"this is {length:,} tokens long, and the model reads {context:,} with the answer: say less, or train with "
            "a longer model.max_length"
        )
    return [*(token for each in encoded for token in each), BOS], tuple(turns)
