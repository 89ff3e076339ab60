"""Finished runs on PyTorch: their tokenizers and weights, and the engines that use them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from seq2seq import sizes, tasks
from seq2seq.data import tokenizers as tokenizer_files
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.generation.torch import TorchGenerator
from seq2seq.decoding.options import SearchOptions
from seq2seq.decoding.translation.engine import Engine, Scorer
from seq2seq.decoding.translation.segments import Segmenter
from seq2seq.decoding.translation.translate import Translator
from seq2seq.device import Choice, work_alone
from seq2seq.errors import RunError
from seq2seq.model.gpt import Gpt
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.storage.tensors import load_weights, read_weights
from seq2seq.tasks.models import Model, architecture, longest_source, model


def read_tokenizers(recipe: Recipe, folder: Path) -> Tokenizers:
    """The tokenizers of a run folder."""
    return tokenizer_files.read_both(folder, joint=recipe.tokenizer.joint)


def options(recipe: Recipe) -> SearchOptions:
    """The search options of a recipe."""
    decoding = recipe.decoding
    return SearchOptions(
        decoding.beam_size, decoding.length_penalty, max_extra=decoding.max_extra, batch_tokens=decoding.batch_tokens
    )


def trained_model(run: Run, tokenizers: Tokenizers, device: torch.device) -> Model:
    """The model of a finished run."""
    weights = read_weights(run.weights)
    sides = {
        "source_embedding": tokenizers.source,
        "target_embedding": tokenizers.target,
        "embedding": tokenizers.target,
    }
    for name, tokenizer in sides.items():
        key = f"{name}.weight"
        if key in weights and weights[key].dim() == 2 and weights[key].size(0) != tokenizer.size:
            raise RunError(
                f"{run.path}: the tokenizer has {tokenizer.size} tokens, {key} has {weights[key].size(0)}: they are of "
                "different runs"
            )
    recipe = run.recipe()
    sizes.must_fit_file(recipe.model, tokenizers.target.size, run.weights)
    trained = model(recipe, tokenizers.source.size, tokenizers.target.size)
    load_weights(trained, weights, run.weights)
    run.must_be_unchanged(run.weights.name, "tokenizer")
    return trained.to(device)


def trained_gpt(run: Run, device: torch.device) -> tuple[Gpt, Tokenizers]:
    """The model and the tokenizers of a finished language model."""
    tokenizers = read_tokenizers(run.recipe(), run.path)
    trained = trained_model(run, tokenizers, device)
    assert isinstance(trained, Gpt), "recipes of language models have no other architecture"
    return trained.eval(), tokenizers


def translator(
    run: Run, device: Choice, search: SearchOptions | None = None, *, sentences: str = "auto", exact: bool = True
) -> Translator:
    """A translator of a finished run. `sentences` is the rule of a `Segmenter`; with `exact`, scores are computed in
    float32. Raises RunError where the run is not a translator."""
    tasks.must_offer(run, "translate")
    recipe, numerics = run.recipe(), device.numerics
    tokenizers = read_tokenizers(recipe, run.path)
    trained = trained_model(run, tokenizers, numerics.device)
    engine = architecture(recipe).engine
    scoring = replace(numerics, autocast=None) if exact else numerics
    return translating(
        engine(trained, numerics),
        numerics.device,
        tokenizers,
        search or options(recipe),
        longest_source(recipe),
        Segmenter.of_run(run.path, run.record, recipe.data.source, recipe.data.target, sentences),
        Scorer(lambda: engine(trained, scoring), together=numerics.device.type != "cpu"),
    )


def translating(
    engine: Engine,
    device: torch.device,
    tokenizers: Tokenizers,
    search: SearchOptions,
    longest: int,
    segmenter: Segmenter | None = None,
    scorer: Scorer | None = None,
) -> Translator:
    """An engine on a device as a translator of sources of up to `longest` tokens, EOS included.

    On a CPU each thread has its own batch: about twice as fast as all threads on one batch, and no slower for a
    single sentence.
    """
    cpu = device.type == "cpu"
    return Translator(
        engine,
        tokenizers,
        search,
        longest,
        segmenter=segmenter,
        scorer=scorer,
        workers=torch.get_num_threads() if cpu else 1,
        initializer=work_alone if cpu else None,
    )


def generator(run: Run, device: Choice) -> TorchGenerator:
    """A generator of a finished run. Raises RunError where the run is not a language model."""
    tasks.must_offer(run, "generate")
    gpt, tokenizers = trained_gpt(run, device.numerics.device)
    several = run.record().get("text", {}).get("documents", 1) > 1
    return TorchGenerator(gpt, tokenizers.target, device.numerics, documents=several)
