"""Two language models: bits per byte as `evaluate` gives them, and whether the difference is chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from seq2seq.data.documents import Documents
from seq2seq.data.tokenizers import Bytes, Characters, Tokenizer
from seq2seq.device import Numerics
from seq2seq.errors import DataError
from seq2seq.evaluation.compare_texts import TextComparison, compare, in_parts
from seq2seq.evaluation.perplexity import measure, token_losses

CPU = Numerics(torch.device("cpu"), None)
PLAY = "".join(f"Line {number} of the play, où l'on parle.\n" for number in range(400))


def documents(*texts: str) -> Documents:
    return Documents("here", lambda: iter(texts), lambda: str(hash(texts)))


class Guessing:
    """Gives the next token, the same for each place, a probability by its number: some tokens are better guessed."""

    def __init__(self, vocabulary: int, sharpness: float) -> None:
        self.context = 9
        self._logits = sharpness * torch.linspace(0, 1, vocabulary)

    def __call__(self, tokens: Tensor) -> Tensor:
        return self._logits.expand(*tokens.shape, -1)


def compared(text: Documents, *models: tuple[Tokenizer, float]) -> TextComparison:
    parts = in_parts(text)
    nats = [
        parts.of_parts(token_losses(Guessing(tokenizer.size, sharpness), tokenizer, parts.text, CPU)[0], tokenizer)
        for tokenizer, sharpness in models
    ]
    return compare(parts, *nats)


@pytest.mark.parametrize("texts", [(PLAY,), (PLAY[:3000], "", PLAY[3000:5000], "The end.")])
def test_the_figures_are_those_of_evaluate_whatever_the_tokenizer(texts: tuple[str, ...]) -> None:
    characters = Characters("".join(sorted(set(PLAY))))
    found = compared(documents(*texts), (characters, 1.0), (Bytes(), 2.0))
    for tokenizer, sharpness, bits in ((characters, 1.0, found.first), (Bytes(), 2.0, found.second)):
        whole = measure(Guessing(tokenizer.size, sharpness), tokenizer, documents(*texts), CPU)
        assert bits == pytest.approx(whole["bits_per_byte"], rel=1e-9)
    assert found.low < found.second - found.first < found.high
    assert (found.parts, found.unit) == ((3, "documents") if len(texts) > 1 else (found.parts, "chunks"))
    assert len(texts) > 1 or 50 < found.parts <= 200


def test_a_model_against_itself_differs_in_nothing() -> None:
    found = compared(documents(PLAY), (Bytes(), 1.0), (Bytes(), 1.0))
    assert found.first == found.second and found.p_value == 1 and found.low == found.high == 0


def test_a_steady_gain_is_significant_and_one_part_alone_may_be_chance() -> None:
    parts = in_parts(documents(*(PLAY[start : start + 100] for start in range(0, 4000, 100))))
    first = np.full(40, 50.0)
    steady = compare(parts, first, first - 1)
    assert steady.p_value < 0.05 and steady.low < steady.high < 0
    assert steady.second - steady.first == pytest.approx(-40 / parts.bytes().sum() / math.log(2))
    once = first.copy()
    once[7] -= 40
    assert compare(parts, first, once).p_value > 0.05


def test_nothing_to_compare_on_is_said() -> None:
    with pytest.raises(DataError, match="no text to compare on"):
        in_parts(documents("", ""))
