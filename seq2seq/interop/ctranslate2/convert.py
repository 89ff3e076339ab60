"""Conversion of a finished run for CTranslate2, verified against PyTorch before it is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from torch import nn

from seq2seq.data.tokenizer import SPECIAL, Tokenizer
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.errors import RunError
from seq2seq.interop.ctranslate2 import copy as copies
from seq2seq.interop.ctranslate2 import specification
from seq2seq.interop.ctranslate2.class_head import CopiedClassHead
from seq2seq.interop.ctranslate2.copy import PRECISIONS, Copy, Settings
from seq2seq.interop.ctranslate2.specification import Conversion
from seq2seq.interop.ctranslate2.verify import Verified
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.storage.folders import replacing_folder
from seq2seq.storage.tensors import weights_of


def convert(
    run: Run, model: nn.Module, tokenizers: Tokenizers, longest_source: int, verify: Callable[[Copy], Verified]
) -> Verified:
    """Write the copy of a finished run, of its model on the CPU, in float32 and int8, atomically; verify it, and record
    the result.

    Raises RunError where CTranslate2 cannot express the model, or does not compute as PyTorch does: the run then
    keeps the PyTorch engine, and its record says why. Raises OSError where the copy cannot be written.
    """
    recipe = run.recipe()
    conversion = specification.conversion(recipe.model)
    try:
        if reason := conversion.inexpressible(recipe.model):
            raise RunError(f"{run.path} keeps the PyTorch engine: {reason}")
        origin = copies.made_of(run.path)
        with replacing_folder(run.path / copies.FOLDER, keep=lambda name: False) as folder:
            copy = Copy(folder, _settings(run, recipe, conversion, longest_source), "float32")
            _write(copy, recipe, conversion, model, tokenizers)
            verified = verify(copy)
            copies.write(folder, copy.settings, verified.precision, origin)
    except RunError as error:
        run.note(ctranslate2={"refused": str(error)})
        raise
    run.note(ctranslate2=asdict(verified))
    return verified


def _settings(run: Run, recipe: Recipe, conversion: Conversion, longest_source: int) -> Settings:
    """What translating, generating or classifying with a copy takes of its run."""
    decoding, data = recipe.decoding, recipe.data
    return Settings(
        data.source,
        data.target,
        recipe.tokenizer.joint,
        conversion.decoder_only,
        longest_source,
        conversion.positions(recipe, longest_source),
        **{key: getattr(decoding, key) for key in ("beam_size", "length_penalty", "max_extra", "batch_tokens")},
        documents=run.record().get("text", {}).get("documents", 1) > 1,
        pooling=recipe.model.pooling if conversion.classifies else "",
        texts=len(data.text.split(",")) if conversion.classifies else 1,
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


def _write(copy: Copy, recipe: Recipe, conversion: Conversion, model: nn.Module, tokenizers: Tokenizers) -> None:
    # Copied, since quantising changes them in place.
    weights = {name: weight.float().clone().numpy() for name, weight in weights_of(model).items()}
    source, target = vocabulary(tokenizers.source), vocabulary(tokenizers.target)
    for precision in PRECISIONS:
        spec = conversion.specification(recipe.model, weights, source, target, copy.settings.positions)
        spec.optimize(precision)
        copy.model(precision).mkdir()
        spec.save(str(copy.model(precision)))
        if copy.settings.pooling:
            CopiedClassHead(weights["head.weight"], weights["head.bias"]).save(copy.model(precision))
