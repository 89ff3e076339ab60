"""Batches of random tokens: what a step costs does not depend on which tokens they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from seq2seq import recipe
from seq2seq.data.batches import Batch, Layout
from seq2seq.tasks import models

_VOCABULARIES = {"byte": 260, "character": 100, "tiktoken": 50_000}  # where the recipe does not say


def vocabulary(tokenizer: recipe.Tokenizer) -> int:
    """About how many tokens a tokenizer that is not yet trained will have."""
    return _VOCABULARIES.get(tokenizer.kind, tokenizer.vocabulary_size)


def of_text(context: int, rows: int, vocabulary: int, generator: torch.Generator) -> Batch:
    """Rows as long as the context, each position predicting the next token."""
    tokens = torch.randint(4, vocabulary, (rows, context + 1), generator=generator)
    filled = rows * context
    return Batch((tokens[:, :-1],), tokens[:, 1:], filled, padded=filled, filled=filled)


def of_pairs(lengths: Sequence[tuple[int, int]], vocabulary: int, layout: Layout, generator: torch.Generator) -> Batch:
    """Pairs whose sides have these lengths, 2 or more, EOS counted."""
    longest = max(source + target for source, target in lengths)
    drawn = torch.randint(4, vocabulary, (len(lengths), longest), generator=generator).tolist()
    sides = [(source - 1, source + target - 2) for source, target in lengths]
    return layout.collate(
        [row[:middle] for row, (middle, _) in zip(drawn, sides)],
        [row[middle:end] for row, (middle, end) in zip(drawn, sides)],
    )


def worst(wanted: recipe.Recipe, budget: int, tokens: int | None = None) -> Batch:
    """The batch of a budget that takes the most memory: every row as long as a recipe takes them. `tokens`: of the
    vocabulary, where it is known."""
    tokens = tokens or vocabulary(wanted.tokenizer)
    if wanted.task == "language-model":
        rows = max(1, budget // wanted.model.max_length)
        return of_text(wanted.model.max_length, rows, tokens, torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(1)
    layout = models.architecture(wanted).layout
    most = wanted.data.max_length
    width = int(layout.longest(np.array([[most - 1, most - 1]]))[0]) + 1
    rows = max(1, budget // width)
    return of_pairs([(most, most)] * rows, tokens, layout, generator)


def of_recipe(wanted: recipe.Recipe, budget: int) -> Batch:
    """A batch as a recipe has them, of at most `budget` places a side, or of one row.

    Text fills its context; the sides of pairs, of which nothing is known here, have up to a quarter of the longest that
    the recipe takes.
    """
    generator = torch.Generator().manual_seed(1)
    tokens = vocabulary(wanted.tokenizer)
    if wanted.task == "language-model":
        return of_text(wanted.model.max_length, max(1, budget // wanted.model.max_length), tokens, generator)
    most = max(4, wanted.data.max_length // 4)
    layout = models.architecture(wanted).layout
    width = int(layout.longest(np.array([[most - 1, most - 1]]))[0]) + 1
    least = most // 2
    drawn = torch.randint(least, most + 1, (max(1, budget // width), 2), generator=generator)
    drawn[-1], drawn[0] = least, most  # so that two rows or more are padded
    return of_pairs([(int(source), int(target)) for source, target in drawn], tokens, layout, generator)
