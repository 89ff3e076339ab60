"""What the tests of data share: some lines, and a tokenizer of them."""

from __future__ import annotations

import os

import pytest

from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.data.tokenizers import Tokenizers
from tests.support.samples import pairs

# Read when `datasets` is imported: the tests reach for no network.
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def lines() -> list[str]:
    return [side for pair in pairs(2000) for side in pair]


@pytest.fixture(scope="session")
def bpe(lines: list[str]) -> Tokenizers:
    trained = tokenizers.train(recipe.Tokenizer(vocabulary_size=600), lines)
    return Tokenizers(trained, trained)
