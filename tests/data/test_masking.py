"""Tokens hidden to be filled in: how many, how, and that nothing else of a batch changes."""

from __future__ import annotations

import numpy as np
import torch

from seq2seq.data.labelled_batches import RowCollator
from seq2seq.data.masking import masked
from seq2seq.data.tokenizer import SPECIAL, UNKNOWN

VOCABULARY = 5000


def test_shares_of_the_tokens_are_hidden_replaced_and_kept() -> None:
    rows = np.random.default_rng(2).integers(len(SPECIAL), VOCABULARY, (400, 60)).tolist()
    rows[0] = rows[0][:20]
    plain = RowCollator(64, first=False).collate(rows, [0] * 400)
    batch = masked(plain, VOCABULARY, np.random.default_rng(1))
    (tokens, mask), chosen = batch.inputs, batch.mask
    assert tokens is not None and chosen is not None and mask is plain.inputs[1]
    assert torch.equal(batch.labels, plain.inputs[0]) and batch.tokens == int(chosen.sum())  # type: ignore[arg-type]
    assert torch.equal(tokens[~chosen], batch.labels[~chosen])
    assert (batch.labels[chosen] >= len(SPECIAL)).all()  # no end of a text, no padding
    count = float(chosen.sum())
    assert abs(count / (batch.labels >= len(SPECIAL)).sum() - 0.15) < 0.01
    hidden, kept = tokens[chosen] == UNKNOWN, tokens[chosen] == batch.labels[chosen]
    assert abs(hidden.sum() / count - 0.8) < 0.03 and abs(kept.sum() / count - 0.1) < 0.02
    assert (tokens[chosen][~hidden] >= len(SPECIAL)).all()


def test_one_token_is_hidden_at_least_and_it_is_a_function_of_the_seed() -> None:
    plain = RowCollator(8, first=False).collate([[7]], [0])
    first, again = (masked(plain, 9, np.random.default_rng(3)) for _ in range(2))
    assert first.tokens == 1 and torch.equal(first.mask, torch.tensor([[True, False]]))  # type: ignore[arg-type]
    assert torch.equal(first.inputs[0], again.inputs[0])  # type: ignore[arg-type]
