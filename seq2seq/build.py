"""The only place where a recipe becomes objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.data.batches import Batches
from seq2seq.data.corpora import Corpus
from seq2seq.data.encoded import Encoded, Tokenizers, encode
from seq2seq.decoding.engines import Options, TorchEngine
from seq2seq.decoding.translate import Translator
from seq2seq.device import Choice
from seq2seq.errors import RunError
from seq2seq.model.transformer import Transformer
from seq2seq.run import Run
from seq2seq.weights import load_weights, read_weights


def train_tokenizers(wanted: recipe.Recipe, corpus: Corpus, folder: Path) -> Tokenizers:
    """The tokenizers of a run: read where they stand in its folder, else trained on the corpus and written there."""
    stems = ("tokenizer",) if wanted.tokenizer.joint else ("tokenizer.source", "tokenizer.target")
    if not all(any((folder / f"{stem}.{suffix}").is_file() for suffix in ("model", "json")) for stem in stems):
        for side, stem in enumerate(stems):
            sides = (0, 1) if wanted.tokenizer.joint else (side,)
            tokenizers.save(tokenizers.train(wanted.tokenizer, _lines(corpus, sides)), folder, stem)
    return read_tokenizers(wanted, folder)


def read_tokenizers(wanted: recipe.Recipe, folder: Path) -> Tokenizers:
    """The tokenizers that stand in a run folder."""
    if wanted.tokenizer.joint:
        joint = tokenizers.read(folder)
        return Tokenizers(joint, joint)
    return Tokenizers(tokenizers.read(folder, "tokenizer.source"), tokenizers.read(folder, "tokenizer.target"))


def encoded(
    wanted: recipe.Recipe,
    corpus: Corpus,
    both: Tokenizers,
    cache: Path,
    progress: Callable[[int], None] = lambda pairs: None,
) -> Encoded:
    """The training pairs as tokens, without those that stand in dev or test."""
    return encode(
        corpus.train,
        both,
        cache,
        max_length=wanted.data.max_length,
        max_ratio=wanted.data.max_ratio,
        held_out=(corpus.dev, corpus.test),
        progress=progress,
    )


def batches(wanted: recipe.Recipe, pairs: Encoded, both: Tokenizers) -> Batches:
    """The training batches."""
    return Batches(
        pairs,
        both,
        batch_tokens=wanted.training.batch_tokens,
        seed=wanted.training.seed,
        sampling=wanted.tokenizer.sampling,
        max_length=wanted.model.max_length,
    )


def model(wanted: recipe.Recipe, source_vocabulary: int, target_vocabulary: int) -> Transformer:
    """The model, its weights drawn from torch's generator."""
    return Transformer(wanted.model, source_vocabulary, target_vocabulary)


def optimiser(wanted: recipe.Recipe, of: torch.nn.Module) -> torch.optim.Optimizer:
    """Adam as in section 5.3; the schedule sets its rate."""
    return torch.optim.Adam(
        of.parameters(), lr=0.0, betas=wanted.training.betas, eps=wanted.training.epsilon, fused=True
    )


def options(wanted: recipe.Recipe) -> Options:
    """How the recipe decodes."""
    decoding = wanted.decoding
    return Options(
        decoding.beam_size, decoding.length_penalty, max_extra=decoding.max_extra, batch_tokens=decoding.batch_tokens
    )


def trained_model(run: Run, both: Tokenizers, device: torch.device) -> Transformer:
    """The model of a finished run."""
    weights = read_weights(run.weights)
    for name, tokenizer in (("source_embedding.weight", both.source), ("target_embedding.weight", both.target)):
        if name in weights and weights[name].size(0) != tokenizer.size:
            raise RunError(
                f"{run.path}: the tokenizer has {tokenizer.size} tokens, {name} has "
                f"{weights[name].size(0)}: they are of different runs"
            )
    made = model(run.recipe(), both.source.size, both.target.size)
    load_weights(made, weights, run.weights)
    return made.to(device)


def translator(run: Run, choice: Choice, search: Options | None = None) -> Translator:
    """A finished run, ready to translate."""
    wanted = run.recipe()
    both = read_tokenizers(wanted, run.path)
    engine = TorchEngine(trained_model(run, both, choice.numerics.device), choice.numerics)
    return Translator(engine, both, search or options(wanted), wanted.model.max_length)


def _lines(corpus: Corpus, sides: tuple[int, ...]) -> Iterator[str]:
    for text in corpus.train:
        for pair in text.read():
            for side in sides:
                yield pair[side]
