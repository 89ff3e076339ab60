"""Models over tokens: what depends on their architecture, chosen in one place; those of finished runs, on PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seq2seq import sizes
from seq2seq.data import template
from seq2seq.data import tokenizers as tokenizer_files
from seq2seq.data.batches import JOINED, SIDE_BY_SIDE, Layout
from seq2seq.data.conversations import Turn
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.options import SearchOptions
from seq2seq.decoding.rollouts import DecoderOnlyRolloutSampler, RolloutSampler
from seq2seq.decoding.translation.engine import Engine, Scorer
from seq2seq.decoding.translation.segments import Segmenter
from seq2seq.decoding.translation.torch import DecoderOnlyEngine, TorchEngine
from seq2seq.decoding.translation.translate import TextTranslator
from seq2seq.device import Numerics, work_alone
from seq2seq.errors import RunError
from seq2seq.model.gpt import Gpt
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import Model as ModelConfig
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.storage.tensors import load_weights, read_weights

TransformerOrGpt = Transformer | Gpt


class Architecture(NamedTuple):
    """What depends on the architecture."""

    layout: Layout  # of pairs in a batch
    sides: int  # of a pair in one sequence of the model
    model: Callable[[ModelConfig, int, int], TransformerOrGpt]  # new weights; vocabularies of source and target
    engine: Callable[[Any, Numerics], Engine]  # what searches with such a model
    sampler: Callable[[Any, Numerics], RolloutSampler]  # what completes prompts with such a model


ENCODER_DECODER = Architecture(SIDE_BY_SIDE, 1, Transformer, TorchEngine, RolloutSampler)
DECODER_ONLY = Architecture(
    JOINED, 2, lambda config, _, vocabulary: Gpt(config, vocabulary), DecoderOnlyEngine, DecoderOnlyRolloutSampler
)


def architecture(recipe: Recipe) -> Architecture:
    """The architecture of a recipe."""
    return {"encoder-decoder": ENCODER_DECODER, "decoder-only": DECODER_ONLY}[recipe.model.architecture]


def model(recipe: Recipe, source_vocabulary: int, target_vocabulary: int) -> TransformerOrGpt:
    """The model, its weights drawn from torch's generator. Raises RecipeError where this machine cannot hold it."""
    sizes.must_fit_machine(recipe, target_vocabulary)
    return architecture(recipe).model(recipe.model, source_vocabulary, target_vocabulary)


def longest_source(recipe: Recipe) -> int:
    """The longest source that the recipe's model translates, in tokens, EOS included."""
    return recipe.model.max_length // architecture(recipe).sides


def longest_prompt(recipe: Recipe, max_tokens: int) -> int:
    """The longest prompt, in tokens, that leaves place for a completion of `max_tokens`, EOS counted."""
    longest, reads_both = recipe.model.max_length, architecture(recipe).sides > 1
    return min(recipe.data.max_length, longest - max_tokens - 1 if reads_both else longest - 1)


def encode_prompts(recipe: Recipe, tokenizers: Tokenizers, prompts: Sequence[Sequence[Turn]]) -> list[list[int]]:
    """The tokens of prompts: a translator's source; else all turns, as `template` has them."""
    if recipe.serves == "translation":
        return tokenizers.encode_source([turns[-1].content for turns in prompts])
    return template.prompt_tokens(tokenizers.target, prompts)


def read_tokenizers(recipe: Recipe, folder: Path) -> Tokenizers:
    """The tokenizers of a run folder."""
    return tokenizer_files.read_both(folder, joint=recipe.tokenizer.joint)


def options(recipe: Recipe) -> SearchOptions:
    """The search options of a recipe."""
    decoding = recipe.decoding
    return SearchOptions(
        decoding.beam_size, decoding.length_penalty, max_extra=decoding.max_extra, batch_tokens=decoding.batch_tokens
    )


def trained_model(run: Run, device: torch.device) -> tuple[TransformerOrGpt, Tokenizers]:
    """The model and the tokenizers of a finished run."""
    run.must_have_weights()
    recipe, weights = run.recipe(), read_weights(run.weights)
    tokenizers = read_tokenizers(recipe, run.path)
    source, target = tokenizers.source.size, tokenizers.target.size
    for name, size in (("source_embedding", source), ("target_embedding", target), ("embedding", target)):
        must_match(run, weights, f"{name}.weight", size, f"the tokenizer has {size} tokens")
    sizes.must_fit_file(recipe.model, target, run.weights)
    trained = model(recipe, source, target)
    load_weights(trained, weights, run.weights)
    run.must_be_unchanged(run.weights.name, "tokenizer")
    return trained.to(device), tokenizers


def must_match(run: Run, weights: Mapping[str, Tensor], key: str, size: int, what: str) -> None:
    """Raise RunError where a matrix of a run has not the `size` rows that another file asks for; `what` says which."""
    if key in weights and weights[key].dim() == 2 and weights[key].size(0) != size:
        raise RunError(f"{run.path}: {what}, {key} has {weights[key].size(0)}: they are of different runs")


def trained_gpt(run: Run, device: torch.device) -> tuple[Gpt, Tokenizers]:
    """The model and the tokenizers of a finished language model."""
    trained, tokenizers = trained_model(run, device)
    assert isinstance(trained, Gpt), "recipes of language models have no other architecture"
    return trained.eval(), tokenizers


def translating(
    engine: Engine,
    device: torch.device,
    tokenizers: Tokenizers,
    search: SearchOptions,
    longest: int,
    segmenter: Segmenter | None = None,
    scorer: Scorer | None = None,
) -> TextTranslator:
    """An engine on a device as a translator of sources of up to `longest` tokens, EOS included.

    On a CPU each thread has its own batch: about twice as fast as all threads on one batch, and no slower for a
    single sentence.
    """
    cpu = device.type == "cpu"
    return TextTranslator(
        engine,
        tokenizers,
        search,
        longest,
        segmenter=segmenter,
        scorer=scorer,
        workers=torch.get_num_threads() if cpu else 1,
        initializer=work_alone if cpu else None,
    )
