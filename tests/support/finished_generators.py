"""Finished runs on running text, of random weights, as a training leaves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.data.tokenizers import EOS, Characters, Tokenizer
from seq2seq.run import Run
from seq2seq.storage.tensors import save_weights, weights_of
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
        data=recipe.Data(form="text", corpus="play"),
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
