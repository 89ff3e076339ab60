"""Loss of running text: nats a token, perplexity and bits a byte against a slow count."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from seq2seq.data import pieces as cutting
from seq2seq.data.documents import Documents
from seq2seq.data.tokenizers import Bytes, Characters
from seq2seq.device import Numerics
from seq2seq.errors import DataError
from seq2seq.evaluation import perplexity
from seq2seq.evaluation.perplexity import measure, read_set, write_set
from seq2seq.model.gpt import Gpt
from seq2seq.recipe import Model
from seq2seq.run import Run

CPU = Numerics(torch.device("cpu"), None)
TEXT = "Où est-ce ? To be, or not to be.\nThat is the question — 42!\n" * 3


def documents(*texts: str) -> Documents:
    return Documents("here", lambda: iter(texts), lambda: str(hash(texts)))


class Uniform:
    """Knows nothing."""

    def __init__(self, vocabulary: int) -> None:
        self.context, self._vocabulary = 7, vocabulary

    def __call__(self, tokens: Tensor) -> Tensor:
        return torch.zeros(*tokens.shape, self._vocabulary)


def test_knowing_nothing_is_ln_v_and_the_bits_of_the_vocabulary() -> None:
    tokenizer = Bytes()
    found = measure(Uniform(tokenizer.size), tokenizer, documents(TEXT), CPU)
    count = len(TEXT.encode())
    assert (found["tokens"], found["bytes"]) == (count - 1, count)
    assert found["nats_per_token"] == pytest.approx(math.log(260))
    assert found["perplexity"] == pytest.approx(260)
    assert found["bits_per_byte"] == pytest.approx(math.log2(260) * (count - 1) / count)


def test_each_token_is_predicted_once_from_those_before_it_in_its_chunk() -> None:
    tokenizer = Characters("".join(sorted(set(TEXT))))
    torch.manual_seed(1)
    settings = Model(architecture="decoder-only", d_model=16, d_ff=32, n_heads=2, decoder_layers=1, max_length=8)
    model = Gpt(settings, tokenizer.size).eval()
    found = measure(model, tokenizer, documents(TEXT), CPU)
    tokens = tokenizer.encode([TEXT])[0]
    nats = 0.0
    with torch.no_grad():
        for place in range(1, len(tokens)):
            start = (place - 1) // 8 * 8
            logits = model(torch.tensor([tokens[start:place]]))[0, -1]
            nats -= logits.log_softmax(-1)[tokens[place]].item()
    assert found["nats_per_token"] == pytest.approx(nats / found["tokens"], rel=1e-4)
    assert found["bits_per_byte"] == pytest.approx(nats / math.log(2) / len(TEXT.encode()), rel=1e-4)


def test_too_little_text_is_said() -> None:
    with pytest.raises(DataError, match="nothing to predict"):
        measure(Uniform(260), Bytes(), documents("a"), CPU)


def test_a_test_text_comes_back_from_the_run_folder_as_it_was(tmp_path: Path) -> None:
    texts = (TEXT, "\u2028 line\r separators \x0b stay\n\n", "🙂")
    write_set(Run(tmp_path), documents(*texts))
    assert tuple(read_set(Run(tmp_path)).read()) == texts
    (tmp_path / "test.jsonl").write_text('{"text": "fine"}\n{"no": 1}\n')
    with pytest.raises(DataError, match="line 2"):
        list(read_set(Run(tmp_path)).read())


def test_a_test_set_of_long_documents_is_kept_in_parts_and_read_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "PIECE", 50)
    monkeypatch.setattr(perplexity, "TEST_SET_ROW", 30)
    of = ["".join(f"line {number} of a tale\n" for number in range(40)), "one line without end " * 9, "", "short\n"]
    text = Documents("made", lambda: iter(of), lambda: "")
    run = Run(tmp_path)
    perplexity.write_set(run, text)
    assert max(map(len, (tmp_path / "test.jsonl").read_text(encoding="utf-8").split("\n"))) < 60
    again = perplexity.read_set(run)
    assert list(again.read()) == of
    assert list(again.pieces()) == list(text.pieces())
    (tmp_path / "test.jsonl").write_text('{"text": "as before"}\n{"text": "and this"}\n', encoding="utf-8")
    assert list(perplexity.read_set(run).read()) == ["as before", "and this"]
