"""Training a language model on windows of text, and its workload for measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch

from seq2seq.data.batches import Batch, BatchSource
from seq2seq.data.corpora import mixture
from seq2seq.data.corpus import Corpus, SourceT, SplitName
from seq2seq.data.documents import Documents
from seq2seq.data.stream import MixedWindows, TokenStream, Windows, encode, windows
from seq2seq.data.tokenizer import Tokenizer
from seq2seq.data.unchanged import digest
from seq2seq.decoding.generation.torch import TorchGenerator
from seq2seq.decoding.options import GenerationOptions, Sampling
from seq2seq.device import Numerics
from seq2seq.errors import DataError
from seq2seq.model.gpt import Gpt
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.tasks.models import TransformerOrGpt
from seq2seq.tasks.prediction import Prediction
from seq2seq.tasks.preparation import cache_for, other_caches
from seq2seq.tasks.task import Say
from seq2seq.tasks.workload import Costs, SecondsOfOne, Workload, guessed_vocabulary, seconds_per_row
from seq2seq.training.task import Continuation, Prepared, Validation

_DEV_LOSS_TOKENS = 200_000
_SAMPLED = 200  # tokens


class LanguageModelTraining(Prediction):
    """Next-token prediction on running text."""

    def __init__(
        self, recipe: Recipe, tokenizer: Tokenizer, train: Sequence[TokenStream], dev: TokenStream, shares: list[float]
    ) -> None:
        context, some = recipe.model.max_length, dev[:_DEV_LOSS_TOKENS]
        validation = list(windows(some, context=context, batch_tokens=recipe.training.batch_tokens))
        report = {"text": train[0].report, "caches": [stream.folder.name for stream in (*train, dev)]}
        super().__init__(recipe, tokenizer.size, batches(recipe, train, shares), validation, report)
        self._tokenizer = tokenizer
        self._prompt = tokenizer.decode([[int(token) for token in some[: context // 4]]])[0]

    def try_out(self, model: TransformerOrGpt, numerics: Numerics) -> Validation:
        """A sample: how the model continues the first tokens of dev."""
        assert isinstance(model, Gpt), "recipes of language models have no other architecture"
        options = GenerationOptions(Sampling(temperature=0.8, seed=1), max_tokens=_SAMPLED)
        text = TorchGenerator(model, self._tokenizer, numerics).generate(self._prompt, options)[0].text
        return Validation({}, (Continuation(self._prompt, output=text),))


def training(
    recipe: Recipe, corpus: Corpus[Documents], tokenizer: Tokenizer, run: Run, say: Say
) -> LanguageModelTraining:
    """As `Task.training` has it."""
    cache, others = cache_for(run, corpus), other_caches()
    texts = (*corpus.train, corpus.dev)
    *streams, dev = (encode(text, tokenizer, cache, say=say, also=others) for text in texts)
    train = streams[0]
    _must_hold_tokens("train", corpus.train[0], len(train))
    _must_hold_tokens("dev", corpus.dev, len(dev))
    _must_hold_tokens("test", corpus.test, _few_tokens(corpus.test, tokenizer))
    say(f"Text: {train.report['characters']:,} characters, {len(train):,} tokens to train on; {len(dev):,} for dev")
    return LanguageModelTraining(recipe, tokenizer, streams, dev, mixture(corpus, [len(stream) for stream in streams]))


def batches(recipe: Recipe, streams: Sequence[TokenStream], shares: Sequence[float] = ()) -> BatchSource:
    """The training batches."""
    kind = partial(Windows, streams[0]) if len(streams) == 1 else partial(MixedWindows, streams, shares)
    return kind(
        context=recipe.model.max_length,
        batch_tokens=recipe.training.batch_tokens,
        seed=recipe.training.seed,
        chunks=recipe.data.chunks,
    )


def _must_hold_tokens(split: SplitName, text: Documents, tokens: int) -> None:
    """Raise DataError where a split of running text has no token to predict."""
    if tokens < 2:
        count = "1 token" if tokens == 1 else f"{tokens} tokens"
        raise DataError(f"{text.origin}: {count} for {split}, nothing to predict; give more text")


def _few_tokens(text: Documents, tokenizer: Tokenizer) -> int:
    """The number of tokens of a text, counted up to 2 at most where there are more; one token separates documents."""
    count = -1
    for piece, ends in text.pieces():
        count += len(tokenizer.encode([piece])[0]) + bool(piece and ends)
        if count > 1:
            break
    return max(count, 0)


class PredictionWorkload(Workload[SourceT]):
    """Rows as long as the context, each position predicting the next token."""

    def worst(self, budget: int, vocabulary: int | None = None) -> Batch:
        """Every row is as long as the context."""
        context = self._recipe.model.max_length
        size, generator = (max(1, budget // context), context + 1), torch.Generator().manual_seed(1)
        drawn = torch.randint(4, vocabulary or guessed_vocabulary(self._recipe.tokenizer), size, generator=generator)
        filled = size[0] * context
        return Batch((drawn[:, :-1],), drawn[:, 1:], filled, padded=filled, filled=filled)

    def costs(
        self, prepared: Prepared[SourceT], model: TransformerOrGpt, numerics: Numerics, seconds: SecondsOfOne
    ) -> Costs:
        """The dev loss, and what is tried out with it."""
        training = prepared.training
        assert isinstance(training, Prediction)
        rows = sum(len(batch.labels) for batch in training.validation)
        loss = rows * seconds_per_row(training, model, numerics, seconds)
        return Costs(whole=loss + seconds(lambda _: training.try_out(model, numerics), [1]))


class LanguageModelWorkload(PredictionWorkload[Documents]):
    """Chunks of running text."""

    unit = "characters"
    beginning_size = 2_000_000

    def size(self, text: Documents, say: Say = lambda message: None) -> int:
        return sum(len(piece) for piece, _ in text.pieces())

    def beginning(self, text: Documents, size: int) -> Documents:
        first, length = [], 0
        for piece, _ in text.pieces():
            first.append(piece)
            length += len(piece)
            if length > size:
                break
        else:
            return text
        cut = "".join(first)[:size]
        origin = f"{text.origin}, first {size:,} characters"
        return Documents(origin, lambda: iter([cut]), lambda: digest([(cut, "")]))

    def epoch_tokens(self, report: Mapping[str, Any], tokens_per_row: float) -> float:
        return float(report["text"]["tokens"])
