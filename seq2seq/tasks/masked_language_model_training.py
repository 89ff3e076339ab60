"""Training an encoder to fill in tokens of the lines of running text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from seq2seq.data.batches import Batch
from seq2seq.data.corpus import Corpus
from seq2seq.data.cutting import cut
from seq2seq.data.documents import Documents
from seq2seq.data.folding import fold
from seq2seq.data.labelled import Labelled, LabelledSource
from seq2seq.data.labelled_batches import LabelledBatches, RowCollator, encode
from seq2seq.data.labelled_rows import tokens_of
from seq2seq.data.masking import MaskedBatches, masked
from seq2seq.data.tokenizer import SPECIAL
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.device import Numerics
from seq2seq.errors import DataError
from seq2seq.model.masked import MaskedEncoder
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.tasks.language_model_training import LanguageModelWorkload
from seq2seq.tasks.prediction import Prediction
from seq2seq.tasks.preparation import cache_for, other_caches
from seq2seq.tasks.task import Say
from seq2seq.tasks.workload import guessed_vocabulary
from seq2seq.training.task import Validation

_LABEL = "line"  # of all lines: what encodes texts with labels encodes them too
_DEV_LINES = 5000
_SEED = 1  # of the tokens that are hidden in dev and test


class MaskedLanguageModelTraining(Prediction):
    """Hidden tokens filled in. Their number differs from batch to batch; figures are means per hidden token."""

    def first_loss(self, model: Any, numerics: Numerics) -> None:
        """Not known: a tied head predicts the tokens that were left as they are from the beginning."""

    def try_out(self, model: Any, numerics: Numerics) -> Validation:
        """Nothing is decoded."""
        return Validation({}, ())


class MaskedWorkload(LanguageModelWorkload):
    """Lines of running text, some of whose tokens are hidden."""

    decodes = False

    def worst(self, budget: int, vocabulary: int | None = None) -> Batch:
        """Every row as long as the recipe allows."""
        length, generator = self._recipe.data.max_length, np.random.default_rng(_SEED)
        size = vocabulary or guessed_vocabulary(self._recipe.tokenizer)
        rows = generator.integers(len(SPECIAL), size, (max(1, budget // length), length - 1)).tolist()
        return masked(_layout(self._recipe).collate(rows, [0] * len(rows)), size, generator)

    def epoch_tokens(self, report: Mapping[str, Any], tokens_per_row: float) -> float:
        """Those that are hidden."""
        return float(report["text"]["kept"]) * tokens_per_row

    def model(self, vocabulary: int) -> MaskedEncoder:
        return MaskedEncoder(self._recipe.model, vocabulary)


def training(
    recipe: Recipe, corpus: Corpus[Documents], tokenizers: Tokenizers, run: Run, say: Say
) -> MaskedLanguageModelTraining:
    """As `Task.training` has it. Lines of dev or test are left out of training, unless they are to be overfitted."""
    held_out = () if corpus.found == "overfit" else (lines_of(corpus.dev), lines_of(corpus.test))
    texts = encode(
        lines_of(corpus.train[0]),
        (_LABEL,),
        tokenizers,
        cache_for(run, corpus),
        max_length=recipe.data.max_length,
        held_out=held_out,
        also=other_caches(),
        say=say,
    )
    report = texts.report
    cut_lines = f"; {report['cut']:,} longer than {recipe.data.max_length} tokens, and cut" if report["cut"] else ""
    say(f"Text: {report['kept']:,} lines to train on, of {report['read']:,}, {report['tokens']:,} tokens{cut_lines}")
    batches = LabelledBatches(
        texts,
        tokenizers,
        _layout(recipe),
        batch_tokens=recipe.training.batch_tokens,
        seed=recipe.training.seed,
        sampling=recipe.tokenizer.sampling,
    )
    vocabulary = tokenizers.source.size
    source = MaskedBatches(batches, vocabulary, recipe.training.seed)
    validation = fixed_batches(recipe, corpus.dev, tokenizers, most=_DEV_LINES)
    fixed_batches(recipe, corpus.test, tokenizers, most=1)
    noted: Mapping[str, Any] = {"text": report, "caches": [texts.folder.name]}
    return MaskedLanguageModelTraining(recipe, vocabulary, source, validation, noted)


def fixed_batches(recipe: Recipe, text: Documents, tokenizers: Tokenizers, most: int | None = None) -> list[Batch]:
    """The first `most` lines of a text, or all, with the same tokens hidden each time. Raises DataError where no line
    has a token."""
    layout = _layout(recipe)
    texts = [record.texts for record in lines_of(text).first(most or 0).read()]
    rows = sorted((layout.row(each) for each in tokens_of(tokenizers, texts) if all(each)), key=len)
    if not rows:
        raise DataError(f"{text.origin}: no line with a token to fill in; give more text")
    bounds = cut(np.array([len(row) for row in rows]), recipe.training.batch_tokens)
    generator = np.random.default_rng(_SEED)
    plain: Sequence[Batch] = [layout.collate(rows[start:end], [0] * (end - start)) for start, end in bounds]
    return [masked(batch, tokenizers.source.size, generator) for batch in plain]


def lines_of(text: Documents) -> LabelledSource:
    """The lines of documents that are not blank, each a text."""

    def read() -> Iterator[Labelled]:
        for document in text.read():
            yield from (Labelled((line,), _LABEL) for line in document.split("\n") if fold(line))

    return LabelledSource(text.origin, read, lambda: f"lines of {text.checksum()}", text.files)


def _layout(recipe: Recipe) -> RowCollator:
    return RowCollator(recipe.data.max_length, first=False)
