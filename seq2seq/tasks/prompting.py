"""Prompts and completions as the tokens that a model reads."""

from __future__ import annotations

from collections.abc import Sequence

from seq2seq.data.conversations import Turn
from seq2seq.data.tokenizer import BOS, EOS
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.recipe import Recipe


def encode_prompts(recipe: Recipe, tokenizers: Tokenizers, prompts: Sequence[Sequence[Turn]]) -> list[list[int]]:
    """The tokens of prompts: a translator's source; else all turns, `text EOS` of a system, `text` of a user, and
    `BOS text EOS` of an assistant."""
    if recipe.serves == "translation":
        return tokenizers.encode_source([turns[-1].content for turns in prompts])
    encoded = iter(tokenizers.target.encode([turn.content for turns in prompts for turn in turns]))
    return [[token for turn in turns for token in _framed(turn.role, next(encoded))] for turns in prompts]


def encode_completions(tokenizers: Tokenizers, completions: Sequence[str]) -> list[list[int]]:
    """The tokens of completions, without BOS and EOS."""
    return tokenizers.target.encode(completions)


def _framed(role: str, tokens: list[int]) -> list[int]:
    return [*([BOS] if role == "assistant" else []), *tokens, *([EOS] if role != "user" else [])]
