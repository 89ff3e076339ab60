"""Batches of conversations that are pure functions of (seed, place).

Shapes: B conversations, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from seq2seq.data import template
from seq2seq.data.batches import Batch, ChunkedBatches
from seq2seq.data.conversations import Conversation
from seq2seq.data.cutting import cut
from seq2seq.data.order import Shuffled
from seq2seq.data.tokenizer import PAD, Tokenizer


class EncodedConversations(NamedTuple):
    """The tokens of conversations, one after the other, and which of them the assistant chose."""

    tokens: NDArray[np.int32]
    chosen: NDArray[np.bool_]
    offsets: NDArray[np.int64]  # of each conversation, and the end

    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each conversation that are read: all but the last."""
        return np.diff(self.offsets) - 1

    def collate(self, numbers: Sequence[int]) -> Batch:
        """Conversations as rows: inputs tokens (B, T), labels the tokens that follow, of which those of the assistant
        count. A row is one conversation, so that none sees another."""
        lengths = self.lengths()[list(numbers)]
        inputs, labels = (np.full((len(numbers), int(lengths.max())), PAD, np.int64) for _ in range(2))
        mask = np.zeros(inputs.shape, np.bool_)
        for row, (number, length) in enumerate(zip(numbers, lengths)):
            start, end = self.offsets[number], self.offsets[number + 1]
            inputs[row, :length] = self.tokens[start : end - 1]
            labels[row, :length] = self.tokens[start + 1 : end]
            mask[row, :length] = self.chosen[start + 1 : end]
        return Batch(
            (torch.from_numpy(inputs),),
            torch.from_numpy(labels),
            int(mask.sum()),
            padded=inputs.size,
            filled=int(lengths.sum()),
            mask=torch.from_numpy(mask),
        )


def encode(conversations: Sequence[Conversation], tokenizer: Tokenizer) -> EncodedConversations:
    """The tokens of conversations."""
    encoded = template.encode(tokenizer, [each.turns for each in conversations])
    rows = [list(template.answered(each.turns, tokens)) for each, tokens in zip(conversations, encoded)]
    flat = [pair for row in rows for pair in row]
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    return EncodedConversations(
        np.array([token for token, _ in flat], np.int32), np.array([chosen for _, chosen in flat], np.bool_), offsets
    )


def kept(encoded: EncodedConversations, numbers: Sequence[int]) -> EncodedConversations:
    """Only some of the conversations."""
    parts = [slice(*encoded.offsets[number : number + 2]) for number in numbers]
    offsets = np.cumsum([0, *(part.stop - part.start for part in parts)], dtype=np.int64)
    empty = slice(0, 0)
    return EncodedConversations(
        np.concatenate([encoded.tokens[part] for part in [*parts, empty]]),
        np.concatenate([encoded.chosen[part] for part in [*parts, empty]]),
        offsets,
    )


def sorted_batches(encoded: EncodedConversations, numbers: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Conversations in batches of a budget of padded tokens, by length, so that little is padded."""
    lengths = encoded.lengths()[list(numbers)]
    order = np.argsort(lengths, kind="stable")
    return [[numbers[place] for place in order[start:end]] for start, end in cut(lengths[order] - 1, batch_tokens)]


class ConversationBatches(ChunkedBatches):
    """The endless sequence of training batches: each chunk of a shuffled epoch is sorted by length, cut by a budget of
    padded tokens, and its batches shuffled."""

    def __init__(self, encoded: EncodedConversations, *, batch_tokens: int, seed: int) -> None:
        super().__init__(Shuffled(len(encoded.offsets) - 1, seed), batch_tokens=batch_tokens, seed=seed)
        self._encoded = encoded

    def chunk(self, indices: NDArray[np.uint32], epoch: int, number: int, skipped: int) -> Iterator[Batch]:
        """As `ChunkedBatches`."""
        batches = sorted_batches(self._encoded, list(map(int, indices)), self._batch_tokens)
        order = np.random.default_rng((self._seed, epoch, number)).permutation(len(batches))
        for place in order[skipped:]:
            yield self._encoded.collate(batches[place])
