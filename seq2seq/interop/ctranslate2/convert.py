"""Conversion of a finished run for CTranslate2, verified against PyTorch before it is used."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from torch import Tensor, nn

from seq2seq.data.tokenizer import SPECIAL, Tokenizer
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.errors import RunError
from seq2seq.interop.ctranslate2 import copy as copies
from seq2seq.interop.ctranslate2.copy import PRECISIONS, Copy, Settings
from seq2seq.interop.ctranslate2.specification import Conversion
from seq2seq.interop.ctranslate2.verify import Verified
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.storage.atomic import sync_folder, sync_tree
from seq2seq.storage.tensors import weights_of

Result = TypeVar("Result", bound=Verified)


def convert(
    run: Run,
    model: nn.Module,
    tokenizers: Tokenizers,
    conversion: Conversion,
    longest_source: int,
    verify: Callable[[Copy], Result],
) -> Result:
    """Write the copy of a finished run, of its model on the CPU, in float32 and int8, atomically; verify it, and record
    the result.

    Raises RunError where CTranslate2 cannot express the model, or does not compute as PyTorch does: the run then
    keeps the PyTorch engine, and its record says why. Raises OSError where the copy cannot be written.
    """
    recipe = run.recipe()
    weights = weights_of(model)
    try:
        if reason := conversion.inexpressible(recipe.model):
            raise RunError(f"{run.path} keeps the PyTorch engine: {reason}")
        origin = copies.made_of(run.path)
        with tempfile.TemporaryDirectory(prefix=f".{copies.FOLDER}.", suffix=".partial", dir=run.path) as scratch:
            settings = _settings(run, recipe, conversion.decoder_only, longest_source)
            copy = Copy(Path(scratch) / copies.FOLDER, settings, "float32")
            _write(copy, recipe, conversion, weights, tokenizers)
            verified = verify(copy)
            copies.write(copy.folder, copy.settings, verified.precision, origin)
            sync_tree(copy.folder)
            _move(copy.folder, run.path / copies.FOLDER)
    except RunError as error:
        run.note(ctranslate2={"refused": str(error)})
        raise
    run.note(ctranslate2=asdict(verified))
    return verified


def _settings(run: Run, recipe: Recipe, decoder_only: bool, longest_source: int) -> Settings:
    """What translating, or generating, with a copy takes of its run."""
    decoding, data, model = recipe.decoding, recipe.data, recipe.model
    return Settings(
        data.source,
        data.target,
        recipe.tokenizer.joint,
        decoder_only,
        longest_source,
        # A decoder-only model must not exceed its context; a decoder starts with BOS.
        model.max_length if decoder_only else model.max_length + decoding.max_extra + 1,
        **{key: getattr(decoding, key) for key in ("beam_size", "length_penalty", "max_extra", "batch_tokens")},
        documents=run.record().get("text", {}).get("documents", 1) > 1,
    )


def vocabulary(tokenizer: Tokenizer) -> list[str]:
    """A tokenizer's pieces, made distinct."""
    words = dict.fromkeys(SPECIAL)
    for token in range(len(SPECIAL), tokenizer.size):
        word = tokenizer.piece(token)
        while word in words:
            word += f"#{token}"
        words[word] = None
    return list(words)


def _write(
    copy: Copy, recipe: Recipe, conversion: Conversion, tensors: Mapping[str, Tensor], tokenizers: Tokenizers
) -> None:
    # Copied, since quantising changes them in place.
    weights = {name: tensor.float().clone().numpy() for name, tensor in tensors.items()}
    source, target = vocabulary(tokenizers.source), vocabulary(tokenizers.target)
    for precision in PRECISIONS:
        model = conversion.specification(recipe.model, weights, source, target, copy.settings.positions)
        model.optimize(precision)
        copy.model(precision).mkdir(parents=True)
        model.save(str(copy.model(precision)))


def _move(folder: Path, place: Path) -> None:
    """Move a folder to its place; a former one moves to the scratch folder."""
    if place.exists():
        place.rename(folder.with_name("former"))
    folder.rename(place)
    sync_folder(place.parent)
