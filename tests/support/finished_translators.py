"""Finished runs of random weights, of any recipe, as a training run leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.data.pairs import PairSource
from seq2seq.data.tokenizers import EOS, Characters
from seq2seq.interop.ctranslate2.verify import VerifiedTranslator
from seq2seq.model.gpt import Gpt
from seq2seq.run import Run
from seq2seq.storage.atomic import write_bytes
from seq2seq.storage.tensors import save_weights, weights_of
from seq2seq.tasks import models
from seq2seq.tasks.translation import Translation
from tests.support.fakes import randomise

ALPHABET = "abcdefghijklmnopqrstuvwxyz ."
SENTENCES = [(text, text[::-1]) for text in ("abc", "hello there.", "x", "to be or not to be", "why not", "m n o p")]


def finished(folder: Path, *, seed: int = 1, joint: bool = True, alphabet: str = ALPHABET, **changes: Any) -> Run:
    """A run of character tokens, whose model never prefers PAD, UNKNOWN or BOS, as none does that was trained, and ends
    its outputs soon."""
    torch.manual_seed(seed)
    sizes = {"d_model": 16, "d_ff": 24, "n_heads": 2, "encoder_layers": 2, "decoder_layers": 2, "max_length": 48}
    wanted = recipe.Recipe.model_validate(
        {
            "data": {"max_length": 24},
            "tokenizer": {"kind": "character", "joint": joint},
            "model": {**sizes, "tie": "all" if joint else "none", **changes},
            "decoding": {"max_extra": 8},
        }
    )
    stems = ("tokenizer",) if joint else ("tokenizer.source", "tokenizer.target")
    for stem, letters in zip(stems, (alphabet, alphabet[::-1][:20])):
        tokenizers.save(Characters(letters), folder, stem)
    both = tokenizers.read_both(folder, joint=joint)
    model = randomise(models.model(wanted, both.source.size, both.target.size), 0.3)
    _without_specials(model)
    save_weights(weights_of(model), folder / "model.safetensors")
    write_bytes(folder / "recipe.toml", wanted.to_toml().encode())
    run = Run(folder)
    run.note(finished={"step": 1})
    return run


def add_copy(run: Run, pairs: Sequence[tuple[str, str]]) -> VerifiedTranslator:
    """Make its CTranslate2 copy, verified on some pairs."""
    verified = Translation(run.recipe()).convert(run, PairSource("given", lambda: iter(pairs), lambda: ""))
    assert isinstance(verified, VerifiedTranslator)
    return verified


def _without_specials(model: nn.Module) -> None:
    """One part of all last states is 1: the specials turn away from it, EOS turns to it, the others do not look."""
    assert isinstance(model, Gpt) or hasattr(model, "last_norm")
    norm, head = model.last_norm, model.head
    assert isinstance(norm, nn.Module) and isinstance(head, nn.Linear)
    with torch.no_grad():
        norm.get_parameter("weight")[0] = 0.0
        norm.get_parameter("bias")[0] = 1.0
        head.weight[:, 0] = 0.0
        head.weight[:EOS, 0] = -30.0
        head.weight[EOS, 0] = 2.0
