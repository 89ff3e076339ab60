"""Finished runs on running text, of random weights, as a training run leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.data.documents import Documents
from seq2seq.data.tokenizers import EOS, Characters, Tokenizer
from seq2seq.interop.ctranslate2.verify import VerifiedGenerator
from seq2seq.run import Run
from seq2seq.storage.tensors import save_weights, weights_of
from seq2seq.tasks.language_model import LanguageModel
from tests.support.fakes import tiny_gpt, tiny_recipe

LETTERS = Characters("\n ABCDEFGabcdefgé")
CONTEXT = 16
TEXT = "".join("ab cé\nAdd fed cab\nBag egg\n" for _ in range(9))


def finished(
    folder: Path, *, tokenizer: Tokenizer = LETTERS, end: float = -9.0, documents: int = 1, **changes: Any
) -> Run:
    """A run whose model seldom ends a text, and never prefers PAD, UNKNOWN or BOS, as none does that was trained; but
    without `end` it knows no such manners."""
    torch.manual_seed(2)
    shape = {"tie": "none", "max_length": CONTEXT, "norm": "pre", **changes}
    wanted = recipe.Recipe(
        name="tiny",
        task="language-model",
        data=recipe.Data(corpus="play"),
        tokenizer=recipe.Tokenizer(kind="character"),
        model=tiny_recipe(architecture="decoder-only", **shape),
        training=recipe.Training(metric="loss", precision="float32"),
    )
    run = Run(folder)
    run.claim(wanted)
    tokenizers.save(tokenizer, folder)
    model = tiny_gpt(tokenizer.size, end=end, **shape)
    if end:
        with torch.no_grad():  # of the part of all last states that is 1
            model.head.weight[:EOS, 0] = -30.0
    save_weights(weights_of(model), run.weights)
    run.note(finished={"step": 1}, text={"documents": documents})
    return run


def add_copy(run: Run, texts: Sequence[str]) -> VerifiedGenerator:
    """Make its CTranslate2 copy, verified on some texts."""
    verified = LanguageModel(run.recipe()).convert(run, Documents("given", lambda: iter(texts), lambda: ""))
    assert isinstance(verified, VerifiedGenerator)
    return verified
