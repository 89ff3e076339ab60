"""Prompts as the tokens that a model reads."""

from __future__ import annotations

from collections.abc import Sequence

from seq2seq.data import template
from seq2seq.data.conversations import Turn
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.recipe import Recipe


def encode_prompts(recipe: Recipe, tokenizers: Tokenizers, prompts: Sequence[Sequence[Turn]]) -> list[list[int]]:
    """The tokens of prompts: a translator's source; else all turns, as `template` has them."""
    if recipe.serves == "translation":
        return tokenizers.encode_source([turns[-1].content for turns in prompts])
    return template.prompt_tokens(tokenizers.target, prompts)
