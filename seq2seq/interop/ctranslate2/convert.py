"""Conversion of a finished run for CTranslate2, verified against PyTorch before it is used."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import torch

from seq2seq import build
from seq2seq.data.tokenizers import SPECIAL, Tokenizer, Tokenizers
from seq2seq.errors import RunError
from seq2seq.interop.ctranslate2 import copy as copies
from seq2seq.interop.ctranslate2.copy import PRECISIONS, Copy, Settings
from seq2seq.interop.ctranslate2.specification import inexpressible, specification
from seq2seq.interop.ctranslate2.verify import (
    Verified,
    VerifiedGenerator,
    VerifiedTranslator,
    verify_generator,
    verify_translator,
)
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.storage.atomic import sync_folder, sync_tree
from seq2seq.storage.tensors import weights_of

Result = TypeVar("Result", bound=Verified)


def convert_translator(run: Run, sentences: Sequence[tuple[str, str]]) -> VerifiedTranslator:
    """Write the copy of a finished translator, in float32 and int8, atomically; verify it on sentences with their
    translations, and record the result.

    Raises RunError where CTranslate2 cannot express the model, or does not translate as PyTorch does: the run then
    keeps the PyTorch engine, and its record says why. Raises OSError where the copy cannot be written.
    """
    return _convert(run, lambda copy: verify_translator(copy, run, sentences))


def convert_generator(run: Run, texts: Iterable[str]) -> VerifiedGenerator:
    """As `convert_translator`, for a finished model of running text, verified on the beginning of some texts."""
    return _convert(run, lambda copy: verify_generator(copy, run, texts))


def _convert(run: Run, verify: Callable[[Copy], Result]) -> Result:
    recipe = run.recipe()
    tokenizers = build.read_tokenizers(recipe, run.path)
    weights = weights_of(build.trained_model(run, tokenizers, torch.device("cpu")))
    try:
        if reason := inexpressible(recipe.model):
            raise RunError(f"{run.path} keeps the PyTorch engine: {reason}")
        origin = copies.made_of(run.path)
        with tempfile.TemporaryDirectory(prefix=f".{copies.FOLDER}.", suffix=".partial", dir=run.path) as scratch:
            copy = Copy(Path(scratch) / copies.FOLDER, settings(run), "float32")
            _write(copy, recipe, weights, tokenizers)
            verified = verify(copy)
            copies.write(copy.folder, copy.settings, verified.precision, origin)
            sync_tree(copy.folder)
            _move(copy.folder, run.path / copies.FOLDER)
    except RunError as error:
        run.note(ctranslate2={"refused": str(error)})
        raise
    run.note(ctranslate2=asdict(verified))
    return verified


def settings(run: Run) -> Settings:
    """The settings of a run for translating, or generating, with its copy."""
    recipe = run.recipe()
    decoding, data, model = recipe.decoding, recipe.data, recipe.model
    decoder_only = model.architecture == "decoder-only"
    return Settings(
        data.source,
        data.target,
        recipe.tokenizer.joint,
        decoder_only,
        build.longest_source(recipe),
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


def _write(copy: Copy, recipe: Recipe, tensors: Mapping[str, torch.Tensor], tokenizers: Tokenizers) -> None:
    weights = {name: tensor.float().numpy() for name, tensor in tensors.items()}
    source, target = vocabulary(tokenizers.source), vocabulary(tokenizers.target)
    for precision in PRECISIONS:
        model = specification(recipe.model, weights, source, target, copy.settings.positions)
        model.optimize(precision)
        copy.model(precision).mkdir(parents=True)
        model.save(str(copy.model(precision)))


def _move(folder: Path, place: Path) -> None:
    """Move a folder to its place; a former one moves to the scratch folder."""
    if place.exists():
        place.rename(folder.with_name("former"))
    folder.rename(place)
    sync_folder(place.parent)
