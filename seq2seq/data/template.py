"""How the turns of a conversation become tokens.

    [system text EOS] user text BOS assistant text EOS user text BOS assistant text EOS ...

BOS says that the assistant answers now, EOS ends what it, or the system, says. Neither can be typed: text is encoded
without special tokens, so that nothing a user writes can pose as a role.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seq2seq.data.conversations import Turn
from seq2seq.data.tokenizer import BOS, EOS, Tokenizer

TEMPLATE = {"system": "{text}</s>", "user": "{text}", "assistant": "<s>{text}</s>"}  # for people, in run.json


def encode(tokenizer: Tokenizer, conversations: Sequence[Sequence[Turn]]) -> list[list[list[int]]]:
    """The tokens of each turn of conversations, with those of its role."""
    texts = tokenizer.encode([turn.content for turns in conversations for turn in turns])
    encoded = iter(texts)
    return [[_framed(turn.role, next(encoded)) for turn in turns] for turns in conversations]


def prompt_tokens(tokenizer: Tokenizer, prompts: Sequence[Sequence[Turn]]) -> list[list[int]]:
    """The tokens of prompts, conversations that end with a user's turn, without the BOS of the answer."""
    return [[token for turn in turns for token in turn] for turns in encode(tokenizer, prompts)]


def answered(turns: Sequence[Turn], encoded: Sequence[Sequence[int]]) -> Iterator[tuple[int, bool]]:
    """The tokens of a conversation, each with whether it is one that the assistant chooses: its text and EOS."""
    for turn, tokens in zip(turns, encoded, strict=True):
        for place, token in enumerate(tokens):
            yield token, turn.role == "assistant" and place > 0


def _framed(role: str, tokens: list[int]) -> list[int]:
    return [*([BOS] if role == "assistant" else []), *tokens, *([EOS] if role != "user" else [])]
