"""The only place where a recipe becomes objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from seq2seq import recipe, sizes
from seq2seq.data import tokenizers
from seq2seq.data.batches import JOINED, SIDE_BY_SIDE, Batches, Layout
from seq2seq.data.characters import visible
from seq2seq.data.corpus import Corpus
from seq2seq.data.documents import holds_documents
from seq2seq.data.encoded import Encoded, encode
from seq2seq.data.pairs import PairSource
from seq2seq.data.sources import AnyCorpus
from seq2seq.data.stream import TokenStream, Windows
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.generation.torch import TorchGenerator
from seq2seq.decoding.options import SearchOptions
from seq2seq.decoding.translation.engine import Engine, Scorer
from seq2seq.decoding.translation.segments import Segmenter
from seq2seq.decoding.translation.torch import DecoderOnlyEngine, TorchEngine
from seq2seq.decoding.translation.translate import Translator
from seq2seq.device import Choice, Numerics, threads, work_alone
from seq2seq.errors import RunError
from seq2seq.model.gpt import Gpt
from seq2seq.model.transformer import Transformer
from seq2seq.run import Run
from seq2seq.storage.tensors import load_weights, read_weights

Model = Transformer | Gpt


def train_tokenizers(wanted: recipe.Recipe, corpus: AnyCorpus, folder: Path) -> Tokenizers:
    """The tokenizers of a run: read where they stand in its folder, else trained on the corpus and written there."""
    stems = ("tokenizer",) if wanted.tokenizer.joint else ("tokenizer.source", "tokenizer.target")
    if not all(any((folder / f"{stem}.{suffix}").is_file() for suffix in ("model", "json")) for stem in stems):
        for side, stem in enumerate(stems):
            sides = (0, 1) if wanted.tokenizer.joint else (side,)
            tokenizers.save(tokenizers.train(wanted.tokenizer, _lines(corpus, sides)), folder, stem)
    both = read_tokenizers(wanted, folder)
    Run(folder).must_be_unchanged("tokenizer")
    return both


def read_tokenizers(wanted: recipe.Recipe, folder: Path) -> Tokenizers:
    """The tokenizers that stand in a run folder."""
    return tokenizers.read_both(folder, joint=wanted.tokenizer.joint)


def encoded(
    wanted: recipe.Recipe,
    corpus: Corpus[PairSource],
    both: Tokenizers,
    cache: Path,
    progress: Callable[[int], None] = lambda pairs: None,
    say: Callable[[str], None] = lambda message: None,
    *,
    also: Sequence[Path] = (),
) -> Encoded:
    """The training pairs as tokens, without those that stand in dev or test, unless the very same are to be learnt by
    heart."""
    return encode(
        corpus.train,
        both,
        cache,
        language=wanted.data.source,
        max_length=wanted.data.max_length,
        max_ratio=wanted.data.max_ratio,
        held_out=() if corpus.found == "overfit" else (corpus.dev, corpus.test),
        also=also,
        progress=progress,
        say=say,
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
        layout=layout(wanted),
    )


def layout(wanted: recipe.Recipe) -> Layout:
    """How pairs stand in the batches of the recipe's architecture."""
    return JOINED if wanted.model.architecture == "decoder-only" else SIDE_BY_SIDE


def windows(wanted: recipe.Recipe, stream: TokenStream) -> Windows:
    """The training batches of running text."""
    return Windows(
        stream,
        context=wanted.model.max_length,
        batch_tokens=wanted.training.batch_tokens,
        seed=wanted.training.seed,
        chunks=wanted.data.chunks,
    )


def model(wanted: recipe.Recipe, source_vocabulary: int, target_vocabulary: int) -> Model:
    """The model, its weights drawn from torch's generator. Raises RecipeError where this machine cannot hold it."""
    sizes.must_fit_machine(wanted, target_vocabulary)
    if wanted.model.architecture == "decoder-only":
        return Gpt(wanted.model, target_vocabulary)
    return Transformer(wanted.model, source_vocabulary, target_vocabulary)


def engine(of: Model, numerics: Numerics) -> Engine:
    """What searches with a model that translates."""
    return DecoderOnlyEngine(of, numerics) if isinstance(of, Gpt) else TorchEngine(of, numerics)


def options(wanted: recipe.Recipe) -> SearchOptions:
    """How the recipe decodes."""
    decoding = wanted.decoding
    return SearchOptions(
        decoding.beam_size, decoding.length_penalty, max_extra=decoding.max_extra, batch_tokens=decoding.batch_tokens
    )


def trained_model(run: Run, both: Tokenizers, device: torch.device) -> Model:
    """The model of a finished run."""
    weights = read_weights(run.weights)
    sides = {"source_embedding": both.source, "target_embedding": both.target, "embedding": both.target}
    for name, tokenizer in sides.items():
        key = f"{name}.weight"
        if key in weights and weights[key].dim() == 2 and weights[key].size(0) != tokenizer.size:
            raise RunError(
                f"{run.path}: the tokenizer has {tokenizer.size} tokens, {key} has {weights[key].size(0)}: they are of "
                "different runs"
            )
    wanted = run.recipe()
    sizes.must_fit_file(wanted.model, both.target.size, run.weights)
    made = model(wanted, both.source.size, both.target.size)
    load_weights(made, weights, run.weights)
    run.must_be_unchanged(run.weights.name, "tokenizer")
    return made.to(device)


def translator(
    run: Run, choice: Choice, search: SearchOptions | None = None, *, sentences: str = "auto", exact: bool = True
) -> Translator:
    """A finished run, ready to translate. `sentences` is the rule of a `Segmenter`; `exact` says that scores are those
    of float32. Raises RunError where it is a model of running text."""
    run.must_be_of("pairs")
    wanted = run.recipe()
    both = read_tokenizers(wanted, run.path)
    made = trained_model(run, both, choice.numerics.device)
    numerics = choice.numerics
    scoring = replace(numerics, autocast=None) if exact else numerics
    return translating(
        made,
        numerics,
        both,
        search or options(wanted),
        longest_source(wanted),
        Segmenter.of_run(run.path, run.record, wanted.data.source, wanted.data.target, sentences),
        Scorer(lambda: engine(made, scoring), together=numerics.device.type != "cpu"),
    )


def translating(
    of: Model,
    numerics: Numerics,
    both: Tokenizers,
    search: SearchOptions,
    longest: int,
    segmenter: Segmenter | None = None,
    scorer: Scorer | None = None,
) -> Translator:
    """A model as a translator of sources of up to `longest` tokens, EOS counted.

    A CPU's threads each have a batch of their own: about twice as fast as a batch at a time by all, and for one
    sentence no slower.
    """
    cpu = numerics.device.type == "cpu"
    return Translator(
        engine(of, numerics),
        both,
        search,
        longest,
        segmenter=segmenter,
        scorer=scorer,
        workers=threads() if cpu else 1,
        initializer=work_alone if cpu else None,
    )


def longest_source(wanted: recipe.Recipe) -> int:
    """Source tokens that the recipe's model translates, EOS counted.

    A decoder-only model reads both sides, and its window would drop the source.
    """
    return wanted.model.max_length // (2 if wanted.model.architecture == "decoder-only" else 1)


def generator(run: Run, choice: Choice) -> TorchGenerator:
    """A finished run on running text, ready to continue a prompt. Raises RunError where it is a translator."""
    run.must_be_of("text")
    both = read_tokenizers(run.recipe(), run.path)
    made = decoder_only(trained_model(run, both, choice.numerics.device))
    several = run.record().get("text", {}).get("documents", 1) > 1
    return TorchGenerator(made, both.target, choice.numerics, documents=several)


def decoder_only(of: Model) -> Gpt:
    """The model of a recipe of running text."""
    assert isinstance(of, Gpt), "recipes of running text have no other architecture"
    return of


def _lines(corpus: AnyCorpus, sides: tuple[int, ...]) -> Iterator[str]:
    if holds_documents(corpus):
        yield from (piece for documents in corpus.train for piece, _ in documents.pieces())
        return
    for pairs in corpus.train:
        for source, target in pairs.read():
            for side in sides:
                yield target if side else visible(source)
