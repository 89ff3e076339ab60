"""Training a classifier on texts with labels, and its workload for measurements."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seq2seq.data.batches import Batch, BatchSource
from seq2seq.data.corpus import Corpus, SplitName
from seq2seq.data.cutting import cut
from seq2seq.data.folding import fold
from seq2seq.data.labelled import Labelled, LabelledSource
from seq2seq.data.labelled_batches import EncodedTexts, LabelledBatches, encode
from seq2seq.data.labelled_rows import tokens_of
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.data.unchanged import digest
from seq2seq.device import Numerics
from seq2seq.errors import DataError
from seq2seq.evaluation.classification import summary
from seq2seq.model.classifier import EncoderClassifier
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.tasks.classification_opening import encoder_of, layout_of
from seq2seq.tasks.preparation import cache_for, other_caches
from seq2seq.tasks.task import Say
from seq2seq.tasks.workload import Costs, SecondsOfOne, Workload, count_records, guessed_vocabulary, seconds_per_row
from seq2seq.training.objective import ClassCrossEntropy
from seq2seq.training.task import FirstLoss, Prepared, Sample, Validation

_SAMPLES = 3
_GUESSED_CLASSES = 2


class ClassificationTraining:
    """Texts with labels; figures: `loss`, `negative_log_likelihood`, `accuracy` and `macro_f1` of dev."""

    watched: str | None = "loss"

    def __init__(
        self, recipe: Recipe, classes: Sequence[str], tokenizers: Tokenizers, texts: EncodedTexts, dev: list[Labelled]
    ) -> None:
        self._recipe = recipe
        self.classes = tuple(classes)
        layout = layout_of(recipe)
        training = recipe.training
        self.source: BatchSource = LabelledBatches(
            texts,
            tokenizers,
            layout,
            batch_tokens=training.batch_tokens,
            seed=training.seed,
            sampling=recipe.tokenizer.sampling,
            dropout=recipe.data.token_dropout,
        )
        self.report: Mapping[str, Any] = {
            "texts": texts.report,
            "classes": list(classes),
            "caches": [texts.folder.name],
        }
        self._weights = class_weights(list(texts.report["classes"].values()), training.class_weights)
        rows = [layout.row(each) for each in tokens_of(tokenizers, [record.texts for record in dev])]
        order = sorted(range(len(dev)), key=lambda number: len(rows[number]))
        self._dev = [dev[number] for number in order]  # in the order of the batches
        self._labels = np.array([self.classes.index(record.label) for record in self._dev])
        bounds = cut(np.array([len(rows[number]) for number in order]), training.batch_tokens)
        self.validation = [
            layout.collate([rows[number] for number in order[start:end]], self._labels[start:end].tolist())
            for start, end in bounds
        ]

    def objective(self, model: EncoderClassifier, numerics: Numerics) -> ClassCrossEntropy:
        """The objective of the recipe."""
        return ClassCrossEntropy(model, numerics, self._recipe.training.label_smoothing, self._weights)

    def first_loss(self, model: EncoderClassifier, numerics: Numerics) -> FirstLoss:
        """The negative log-likelihood of a batch of dev; a head of zeros gives all classes the same probability."""
        uniform = math.log(len(self.classes))
        figures = self.objective(model, numerics).evaluate(self.validation[:1])
        return FirstLoss(figures["negative_log_likelihood"], uniform, uniform)

    @torch.no_grad()
    def validate(self, model: EncoderClassifier, numerics: Numerics) -> Validation:
        """The figures of dev, means per text, and some of its texts, wrong ones first."""
        objective = self.objective(model, numerics)
        model.eval()
        sums, logits = torch.zeros(2, device=numerics.device), []
        for batch in self.validation:
            moved = batch.to(numerics.device)
            logits.append(objective.logits(moved))
            sums += torch.stack([part.sum() for part in objective.losses(logits[-1], moved.labels)])
        loss, plain = (sums / len(self._dev)).tolist()
        probabilities = torch.cat(logits).softmax(-1).cpu().numpy()
        figures = {"loss": loss, "negative_log_likelihood": plain, **summary(self._labels, probabilities)}
        return Validation(figures, tuple(self._samples(probabilities)))

    def ranking(self, figures: Mapping[str, float]) -> float:
        """The figure of the recipe's `metric`; of equals the loss decides."""
        metric = self._recipe.training.metric
        return -figures["loss"] if metric == "loss" else figures[metric] - 1e-9 * math.atan(figures["loss"])

    def _samples(self, probabilities: NDArray[Any]) -> list[Sample]:
        given = probabilities.argmax(1)
        own = probabilities[np.arange(len(given)), self._labels]
        wrong = np.flatnonzero(given != self._labels)
        samples = []
        for row in wrong[np.argsort(own[wrong], kind="stable")][:_SAMPLES]:
            record, best = self._dev[row], given[row]
            output = f"{self.classes[best]} ({probabilities[row, best]:.0%})"
            samples.append(Sample("\t".join(record.texts), record.label, output))
        return samples


def training(
    recipe: Recipe, classes: Sequence[str], corpus: Corpus[LabelledSource], tokenizers: Tokenizers, run: Run, say: Say
) -> ClassificationTraining:
    """Implements `Task.training`. Texts of dev or test are left out of training, unless they are to be overfitted."""
    texts = encode(
        corpus.train[0],
        classes,
        tokenizers,
        cache_for(run, corpus),
        max_length=recipe.data.max_length,
        held_out=() if corpus.found == "overfit" else (corpus.dev, corpus.test),
        also=other_caches(),
        say=say,
    )
    report = texts.report
    dropped = "".join(f", {count:,} {reason}" for reason, count in report["dropped"].items())
    cut_texts = f"; {report['cut']:,} longer than {recipe.data.max_length} tokens, and cut" if report["cut"] else ""
    say(f"Text: {report['kept']:,} texts to train on, of {report['read']:,}{dropped}{cut_texts}")
    say(f"Classes: {', '.join(f'{name} {count:,}' for name, count in _ranked(report['classes'])[:12])}")
    for name, count in report["classes"].items():
        if not count:
            say(f"NOTE: no text to train on has the label {name}: the model cannot learn it")
    dev = usable(corpus.dev, "dev", say)
    usable(corpus.test, "test", say)
    return ClassificationTraining(recipe, classes, tokenizers, texts, dev)


def usable(source: LabelledSource, split: SplitName, say: Say) -> list[Labelled]:
    """The records of a split that have a label and no blank text; `say` receives how many have not. Raises DataError
    where none is left."""
    records = list(source.read())
    kept = [record for record in records if is_usable(record)]
    if not kept:
        raise DataError(f"{source.origin}: none of {len(records):,} texts for {split} has a label; give other text")
    if left_out := len(records) - len(kept):
        say(f"NOTE: {left_out:,} of {len(records):,} texts for {split} are blank or have no label: left out")
    return kept


def is_usable(record: Labelled) -> bool:
    """Whether a record has a label and no blank text."""
    return bool(record.label) and all(map(fold, record.texts))


def class_weights(counts: Sequence[int], kind: str) -> Tensor | None:
    """The weight (K,) of each class in the loss, whose mean over all texts is 1, by its number of texts; None where all
    are equal."""
    if kind == "equal":
        return None
    numbers = torch.tensor(counts, dtype=torch.float64).clamp(min=1)
    weights = 1 / (numbers if kind == "balanced" else numbers.sqrt())
    return (weights * numbers.sum() / (weights * numbers).sum()).float()


def _ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])


class ClassificationCosts(Costs):
    """A text of the test set costs what one of dev does."""

    def judging(self, pairs: int) -> float:
        return pairs * self.pair


class ClassificationWorkload(Workload[LabelledSource]):
    """Texts with labels."""

    unit = "texts"
    beginning_size = 50_000
    decodes = False

    def batch(self, budget: int) -> Batch:
        """A random batch of at most `budget` places, or of one row: texts of up to a quarter of the recipe's length."""
        return self._random(max(4, self._recipe.data.max_length // 4), budget, None)

    def worst(self, budget: int, vocabulary: int | None = None) -> Batch:
        """Every row as long as the recipe allows."""
        return self._random(self._recipe.data.max_length, budget, vocabulary)

    def beginning(self, text: LabelledSource, size: int) -> LabelledSource:
        records = list(islice(text.read(), size + 1))
        if len(records) <= size:
            return text
        return first_records(text, size)

    def epoch_tokens(self, report: Mapping[str, Any], tokens_per_row: float) -> float:
        """A label of each text."""
        return float(report["texts"]["kept"])

    def judged(self, corpus: Corpus[LabelledSource]) -> int:
        return max(map(count_records, (corpus.dev, corpus.test)))

    def costs(self, prepared: Prepared[LabelledSource], model: Any, numerics: Numerics, seconds: SecondsOfOne) -> Costs:
        training = prepared.training
        assert isinstance(training, ClassificationTraining)
        return ClassificationCosts(pair=seconds_per_row(training, model, numerics, seconds))

    def model(self, vocabulary: int) -> EncoderClassifier:
        return EncoderClassifier(self._recipe.model, vocabulary, _GUESSED_CLASSES, encoder_of(self._recipe))

    def objective(self, model: Any, numerics: Numerics) -> ClassCrossEntropy:
        return ClassCrossEntropy(model, numerics, self._recipe.training.label_smoothing)

    def _random(self, longest: int, budget: int, vocabulary: int | None) -> Batch:
        rows = max(1, budget // longest)
        generator = torch.Generator().manual_seed(1)
        drawn = torch.randint(
            4, vocabulary or guessed_vocabulary(self._recipe.tokenizer), (rows, longest), generator=generator
        )
        lengths = [longest - 1 - (row % 2 and longest // 3) for row in range(rows)]
        texts = [row[:length].tolist() for row, length in zip(drawn, lengths)]
        return layout_of(self._recipe).collate(texts, [0] * rows)


def first_records(text: LabelledSource, count: int) -> LabelledSource:
    """The first usable records of a text, with a checksum of their own."""
    records = list(islice(filter(is_usable, text.read()), count))
    content = [(*record.texts, record.label) for record in records]
    return LabelledSource(f"{text.origin}, first {count:,} texts", lambda: iter(records), lambda: digest(content))
