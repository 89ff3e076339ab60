"""What a training will take, measured on the device that it would run on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch

from seq2seq import build, recipe
from seq2seq.checkup import memory, random_batches
from seq2seq.data.batches import Batch, Layout, Place
from seq2seq.data.corpora import Corpus
from seq2seq.data.texts import Documents, TextCorpus
from seq2seq.device import Choice
from seq2seq.errors import DataError
from seq2seq.training import optimisers, schedule
from seq2seq.training.loop import train

_UPDATES = 4
_SAMPLE = 20_000  # pairs looked at for lengths
_CHARACTERS_A_TOKEN = {
    "bpe": 4.0,
    "unigram": 4.0,
    "byte-bpe": 3.5,
    "tiktoken": 3.5,
    "character": 1.0,
    "byte": 0.95,
}


@dataclass(frozen=True)
class Estimate:
    """Sizes and measured figures; the lengths of tokens are guessed from characters, since no tokenizer is trained."""

    device: str
    parameters: int
    size: str  # of the training text
    target_tokens: int  # an epoch's
    memory: int  # bytes at the largest batch
    step_seconds: float
    tokens_per_second: float
    epochs: float
    seconds: float
    measured: int  # updates that were timed


def estimate(wanted: recipe.Recipe, corpus: Corpus | TextCorpus, choice: Choice, updates: int = _UPDATES) -> Estimate:
    """Time a few updates on random tokens of the corpus's lengths."""
    vocabulary = random_batches.vocabulary(wanted.tokenizer)
    model = build.model(wanted, vocabulary, vocabulary).to(choice.numerics.device)
    characters = _CHARACTERS_A_TOKEN[wanted.tokenizer.kind]
    if isinstance(corpus, TextCorpus):
        units, mean = _characters(corpus.train), 1 / characters
        batches = _chunks(wanted.model.max_length, wanted.training.batch_tokens, vocabulary)
    else:
        units, lengths = _lengths(corpus, characters, wanted.data.max_length)
        mean = sum(target for _, target in lengths) / len(lengths)
        batches = _batches(lengths, updates, wanted.training.batch_tokens, vocabulary, build.layout(wanted))
    trained = train(
        model,
        optimisers.for_recipe(wanted, model),
        schedule.for_recipe(wanted),
        batches,
        choice.numerics,
        accumulate=wanted.training.accumulate,
        label_smoothing=wanted.training.label_smoothing,
        clip_norm=wanted.training.clip_norm,
    )
    next(trained)  # the first allocates
    start = time.perf_counter()
    tokens = 0
    for progress in islice(trained, updates):
        tokens += progress.tokens
        progress.loss.item()
    seconds = time.perf_counter() - start
    return Estimate(
        device=str(choice),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        size=f"{units:,} characters" if isinstance(corpus, TextCorpus) else f"{units:,} pairs",
        target_tokens=int(units * mean),
        memory=memory.peak(choice.numerics.device),
        step_seconds=seconds / updates,
        tokens_per_second=tokens / seconds,
        epochs=wanted.training.steps * tokens / updates / (units * mean),
        seconds=wanted.training.steps * seconds / updates,
        measured=updates,
    )


def _characters(text: Documents) -> int:
    count = sum(len(piece) for piece, _ in text.pieces())
    if not count:
        raise DataError(f"{text.origin}: no text")
    return count


def _lengths(corpus: Corpus, characters: float, most: int) -> tuple[int, list[tuple[int, int]]]:
    """Pairs in all, and guessed tokens of both sides, EOS counted, of the first of each text."""
    pairs = 0
    lengths: list[tuple[int, int]] = []
    for text in corpus.train:
        for source, target in text.read():
            pairs += 1
            if len(lengths) < _SAMPLE:
                lengths.append(
                    (min(most, round(len(source) / characters) + 2), min(most, round(len(target) / characters) + 2))
                )
    if not lengths:
        raise DataError(f"{corpus.train[0].origin}: no pairs")
    return pairs, sorted(lengths)


def _batches(
    lengths: list[tuple[int, int]], updates: int, budget: int, vocabulary: int, layout: Layout
) -> Iterator[tuple[Place, Batch]]:
    """Batches of random tokens: one of the longest pairs, then of pairs spread over all lengths."""
    generator = torch.Generator().manual_seed(1)
    shares = [1.0, *((index + 0.5) / updates for index in range(updates))] * 1000
    for index, share in enumerate(shares):
        source, target = lengths[min(int(share * len(lengths)), len(lengths) - 1)]
        rows = max(1, budget // (int(layout.longest(np.array([[source - 1, target - 1]]))[0]) + 1))
        yield (
            Place(index=index),
            random_batches.of_pairs([(source, target)] * rows, vocabulary, layout, generator),
        )


def _chunks(context: int, budget: int, vocabulary: int) -> Iterator[tuple[Place, Batch]]:
    """Batches of random tokens, each as long as the context."""
    generator = torch.Generator().manual_seed(1)
    while True:
        yield Place(), random_batches.of_text(context, max(1, budget // context), vocabulary, generator)
