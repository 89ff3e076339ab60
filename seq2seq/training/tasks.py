"""What a session trains on and tries out: sentence pairs, or running text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seq2seq import build, recipe
from seq2seq.data.batches import Batch, Place
from seq2seq.data.budget import cut
from seq2seq.data.encoded import Encoded
from seq2seq.data.pairs import Pair
from seq2seq.data.stream import TokenStream, windows
from seq2seq.data.tokenizers import Tokenizer, Tokenizers
from seq2seq.decoding.engine import Options, Sampling
from seq2seq.decoding.generate import Generator
from seq2seq.decoding.segments import Segmenter
from seq2seq.decoding.text import Options as Drawing
from seq2seq.device import Numerics
from seq2seq.evaluation.metrics import bleu

_DEV_LOSS_PAIRS = 2000
_DEV_LOSS_TOKENS = 200_000
_SAMPLES = 3
_SAMPLED = 200  # tokens, of running text


@dataclass(frozen=True)
class Sample:
    """What the model makes of a dev sentence, beside its reference; or of a prompt, without one."""

    source: str
    reference: str
    output: str


class Task(Protocol):
    """The text of one training."""

    vocabulary: int  # tokens that the model tells apart where it predicts
    validation: list[Batch]  # what the dev loss is measured on

    def stream(self, start: Place) -> Iterator[tuple[Place, Batch]]:
        """Training batches from a place on, for ever."""

    def try_out(self, model: build.Model, numerics: Numerics) -> tuple[float | None, tuple[Sample, ...]]:
        """BLEU where the task is judged by it, and samples."""


class Translation:
    """Sentence pairs, for either architecture."""

    def __init__(self, wanted: recipe.Recipe, both: Tokenizers, pairs: Encoded, dev: Sequence[Pair]) -> None:
        self.vocabulary = both.target.size
        self.left_out: Counter[str] = Counter()  # pairs of dev, by why no loss is measured on them
        self._recipe = wanted
        self._both = both
        style = pairs.style
        self._segmenter = Segmenter(wanted.data.source, wanted.data.target, style=lambda: style)
        self._dev: list[Pair] = []
        self._batches = build.batches(wanted, pairs, both)
        self.validation = self._batched(dev)

    def stream(self, start: Place) -> Iterator[tuple[Place, Batch]]:
        """Training batches from a place on, for ever."""
        return self._batches.stream(start)

    def try_out(self, model: build.Model, numerics: Numerics) -> tuple[float | None, tuple[Sample, ...]]:
        """BLEU of greedy translations of the first dev sentences, and some of them."""
        options = Options(beam_size=1, max_extra=self._recipe.decoding.max_extra)
        translator = build.translating(
            model, numerics, self._both, options, build.longest_source(self._recipe), self._segmenter
        )
        outputs = [translation.text for translation in translator.translate([source for source, _ in self._dev])]
        chosen = sorted({index * len(outputs) // _SAMPLES for index in range(_SAMPLES)}) if outputs else []
        return (
            bleu(outputs, [target for _, target in self._dev], self._recipe.data.target),
            tuple(Sample(*self._dev[index], outputs[index]) for index in chosen),
        )

    def _batched(self, pairs: Sequence[Pair]) -> list[Batch]:
        layout = build.layout(self._recipe)
        sources = self._both.encode_source([source for source, _ in pairs])
        targets = self._both.target.encode([target for _, target in pairs])
        lengths = np.array([(len(source), len(target)) for source, target in zip(sources, targets)]).reshape(-1, 2)
        longest = layout.longest(lengths)
        blank, too_long = lengths.min(axis=1, initial=1) == 0, longest >= self._recipe.model.max_length
        reasons = {"blank on a side": blank, "too long": too_long & ~blank}
        self.left_out = Counter({reason: int(found.sum()) for reason, found in reasons.items() if found.any()})
        self._dev = [pairs[i] for i in np.flatnonzero(~blank)[: self._recipe.training.validate_sentences]]
        usable = np.flatnonzero(~blank & ~too_long)[:_DEV_LOSS_PAIRS]
        order = [int(i) for i in usable[np.argsort(longest[usable], kind="stable")]]
        bounds = cut(longest[order], self._recipe.training.batch_tokens)
        return [
            layout.collate([sources[i] for i in order[start:end]], [targets[i] for i in order[start:end]])
            for start, end in bounds
        ]


class RunningText:
    """Text that a decoder-only model learns to go on with."""

    def __init__(self, wanted: recipe.Recipe, tokenizer: Tokenizer, train: TokenStream, dev: TokenStream) -> None:
        self.vocabulary = tokenizer.size
        self._tokenizer = tokenizer
        self._windows = build.windows(wanted, train)
        some = dev[:_DEV_LOSS_TOKENS]
        self.validation = list(
            windows(some, context=wanted.model.max_length, batch_tokens=wanted.training.batch_tokens)
        )
        self._prompt = tokenizer.decode([[int(token) for token in some[: wanted.model.max_length // 4]]])[0]

    def stream(self, start: Place) -> Iterator[tuple[Place, Batch]]:
        """Training batches from a place on, for ever."""
        return self._windows.stream(start)

    def try_out(self, model: build.Model, numerics: Numerics) -> tuple[float | None, tuple[Sample, ...]]:
        """How the model goes on from the beginning of dev."""
        options = Drawing(Sampling(temperature=0.8, seed=1), max_tokens=_SAMPLED)
        made = Generator(build.decoder_only(model), self._tokenizer, numerics).generate(self._prompt, options)[0]
        return None, (Sample(self._prompt, "", made.text),)
