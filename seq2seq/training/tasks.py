"""What a session trains a model for: to translate, from sentence pairs, or to continue running text."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seq2seq import build
from seq2seq.data.batches import Batch, Source
from seq2seq.data.budget import cut
from seq2seq.data.encoded import Encoded
from seq2seq.data.pairs import Pair
from seq2seq.data.stream import TokenStream, windows
from seq2seq.data.tokenizers import Tokenizer, Tokenizers
from seq2seq.decoding.generation.torch import TorchGenerator
from seq2seq.decoding.options import GenerationOptions, Sampling, SearchOptions
from seq2seq.decoding.translation.segments import Segmenter
from seq2seq.device import Numerics
from seq2seq.evaluation.metrics import bleu
from seq2seq.recipe import Recipe
from seq2seq.training import objective
from seq2seq.training.loss import expected_at_start
from seq2seq.training.objective import CrossEntropy, Objective

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


@dataclass(frozen=True)
class Validation:
    """A model, validated."""

    figures: Mapping[str, float]
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class FirstLoss:
    """The loss before any update, in nats per token, beside what it should be."""

    loss: float
    uniform: float  # ln V: knowing nothing
    expected: float  # of these initial weights


class Task(Protocol):
    """What a session trains a model for."""

    source: Source
    watched: str | None  # the figure, or "loss", that shows whether training diverges; None = nothing does

    def objective(self, model: build.Model, numerics: Numerics) -> Objective:
        """What training makes small."""

    def first_loss(self, model: build.Model, numerics: Numerics) -> FirstLoss | None:
        """What a model without updates should show, where that is known."""

    def validate(self, model: build.Model, numerics: Numerics) -> Validation:
        """Measure a model on dev, and try it out."""

    def ranking(self, figures: Mapping[str, float]) -> float:
        """Of a validation's figures: the higher, the better the model."""


class Prediction:
    """The task of predicting tokens, by cross-entropy: what pairs and running text share."""

    watched: str | None = "loss"

    def __init__(self, recipe: Recipe, vocabulary: int, source: Source, validation: list[Batch]) -> None:
        self.source = source
        self.validation = validation  # what the dev loss is measured on
        self._recipe = recipe
        self._vocabulary = vocabulary

    def objective(self, model: build.Model, numerics: Numerics) -> CrossEntropy:
        """The recipe's."""
        return objective.for_recipe(self._recipe, model, numerics)

    def first_loss(self, model: build.Model, numerics: Numerics) -> FirstLoss:
        """The negative log-likelihood of a batch of dev."""
        figures = self.objective(model, numerics).evaluate(self.validation[:1])
        expected = expected_at_start(model.head, model.last_norm.get_parameter("weight"))
        return FirstLoss(figures["negative_log_likelihood"], math.log(self._vocabulary), expected)

    def validate(self, model: build.Model, numerics: Numerics) -> Validation:
        """`loss` and `negative_log_likelihood` of dev, in nats per token, and what `try_out` finds."""
        losses = self.objective(model, numerics).evaluate(self.validation)
        tried = self.try_out(model, numerics)
        return Validation({**losses, **tried.figures}, tried.samples)

    def try_out(self, model: build.Model, numerics: Numerics) -> Validation:
        """Samples, and figures of what the model writes."""
        raise NotImplementedError

    def ranking(self, figures: Mapping[str, float]) -> float:
        """A lower loss is better."""
        return -figures["loss"]


class Translation(Prediction):
    """Sentence pairs, for either architecture."""

    def __init__(self, recipe: Recipe, both: Tokenizers, pairs: Encoded, dev: Sequence[Pair]) -> None:
        self.left_out: Counter[str] = Counter()  # pairs of dev, by why no loss is measured on them
        self._both = both
        style = pairs.style
        self._segmenter = Segmenter(recipe.data.source, recipe.data.target, style=lambda: style)
        self._dev: list[Pair] = []
        super().__init__(recipe, both.target.size, build.batches(recipe, pairs, both), self._batched(recipe, dev))

    def try_out(self, model: build.Model, numerics: Numerics) -> Validation:
        """`bleu` of greedy translations of the first dev sentences, and some of them."""
        options = SearchOptions(beam_size=1, max_extra=self._recipe.decoding.max_extra)
        translator = build.translating(
            model, numerics, self._both, options, build.longest_source(self._recipe), self._segmenter
        )
        outputs = [translation.text for translation in translator.translate([source for source, _ in self._dev])]
        chosen = sorted({index * len(outputs) // _SAMPLES for index in range(_SAMPLES)}) if outputs else []
        return Validation(
            {"bleu": bleu(outputs, [target for _, target in self._dev], self._recipe.data.target)},
            tuple(Sample(*self._dev[index], outputs[index]) for index in chosen),
        )

    def ranking(self, figures: Mapping[str, float]) -> float:
        """BLEU, where the recipe says so. While no word is right it is 0, and says nothing of what is learnt: then the
        loss ranks, below any BLEU."""
        by_bleu = self._recipe.training.metric == "bleu" and figures["bleu"]
        return figures["bleu"] if by_bleu else super().ranking(figures)

    def _batched(self, recipe: Recipe, pairs: Sequence[Pair]) -> list[Batch]:
        layout = build.layout(recipe)
        sources = self._both.encode_source([source for source, _ in pairs])
        targets = self._both.target.encode([target for _, target in pairs])
        lengths = np.array([(len(source), len(target)) for source, target in zip(sources, targets)]).reshape(-1, 2)
        longest = layout.longest(lengths)
        blank, too_long = lengths.min(axis=1, initial=1) == 0, longest >= recipe.model.max_length
        reasons = {"blank on a side": blank, "too long": too_long & ~blank}
        self.left_out = Counter({reason: int(found.sum()) for reason, found in reasons.items() if found.any()})
        self._dev = [pairs[i] for i in np.flatnonzero(~blank)[: recipe.training.validate_sentences]]
        usable = np.flatnonzero(~blank & ~too_long)[:_DEV_LOSS_PAIRS]
        order = [int(i) for i in usable[np.argsort(longest[usable], kind="stable")]]
        bounds = cut(longest[order], recipe.training.batch_tokens)
        return [
            layout.collate([sources[i] for i in order[start:end]], [targets[i] for i in order[start:end]])
            for start, end in bounds
        ]


class RunningText(Prediction):
    """Text that a decoder-only model learns to continue."""

    def __init__(self, recipe: Recipe, tokenizer: Tokenizer, train: TokenStream, dev: TokenStream) -> None:
        context, some = recipe.model.max_length, dev[:_DEV_LOSS_TOKENS]
        validation = list(windows(some, context=context, batch_tokens=recipe.training.batch_tokens))
        super().__init__(recipe, tokenizer.size, build.windows(recipe, train), validation)
        self._tokenizer = tokenizer
        self._prompt = tokenizer.decode([[int(token) for token in some[: context // 4]]])[0]

    def try_out(self, model: build.Model, numerics: Numerics) -> Validation:
        """How the model continues the beginning of dev."""
        options = GenerationOptions(Sampling(temperature=0.8, seed=1), max_tokens=_SAMPLED)
        made = TorchGenerator(build.decoder_only(model), self._tokenizer, numerics).generate(self._prompt, options)[0]
        return Validation({}, (Sample(self._prompt, "", made.text),))
