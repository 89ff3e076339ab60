"""Finished classifiers of random weights, of any recipe, as a training run leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.data.corpus import Source
from seq2seq.data.labelled import Labelled
from seq2seq.data.tokenizers import Characters
from seq2seq.interop.ctranslate2.verify_classifier import VerifiedClassifier
from seq2seq.run import Run
from seq2seq.storage.tensors import save_weights, weights_of
from seq2seq.tasks.classification import Classification
from seq2seq.tasks.classification_opening import classifier

LETTERS = Characters("abcdefghijklmnopqrstuvwxyz .")
CLASSES = ("first", "second", "third")
LONGEST = 24  # tokens of a row
TEXTS = ["abc", "hello there.", "x", "to be or not to be", "why not", "m n o p", "a line that is too long to be read"]


def finished(folder: Path, *, text: str = "text", **changes: Any) -> Run:
    """A run of character tokens; `text`: its column or columns, `changes`: to the section `model`."""
    torch.manual_seed(3)
    sizes = {"d_model": 16, "d_ff": 24, "n_heads": 2, "encoder_layers": 2, "decoder_layers": 2, "max_length": LONGEST}
    wanted = recipe.Recipe.model_validate(
        {
            "task": "classification",
            "data": {"corpus": "own", "bundled": None, "max_length": LONGEST, "text": text},
            "tokenizer": {"kind": "character"},
            "model": {"architecture": "encoder-only", **sizes, **changes},
            "training": {"metric": "accuracy"},
        }
    )
    run = Run(folder)
    run.claim(wanted)
    tokenizers.save(LETTERS, folder)
    model = classifier(wanted, LETTERS.size, len(CLASSES))
    with torch.no_grad():
        for weight in model.parameters():  # no gain is 1, no bias 0
            weight += 0.1 * torch.randn_like(weight)
        torch.nn.init.normal_(model.head.weight)
    save_weights(weights_of(model), run.weights)
    run.note(finished={"step": 1}, classes=list(CLASSES))
    return run


def add_copy(run: Run, texts: Sequence[str] = TEXTS) -> VerifiedClassifier:
    """Make its CTranslate2 copy, verified on some texts; where the model judges two, on each beside itself."""
    sides = len(run.recipe().data.text.split(","))
    records = [Labelled((text,) * sides, CLASSES[0]) for text in texts]
    given: Source[Labelled] = Source("given", lambda: iter(records), lambda: "")
    verified = Classification(run.recipe()).convert(run, given)
    assert isinstance(verified, VerifiedClassifier)
    return verified
