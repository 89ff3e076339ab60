"""The workload of translation: batches, sizes and costs, for measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from seq2seq.data.batches import Batch
from seq2seq.data.corpus import Corpus
from seq2seq.data.pairs import PairSource
from seq2seq.data.unchanged import digest
from seq2seq.decoding.options import SearchOptions
from seq2seq.device import Numerics
from seq2seq.evaluation import judge
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.tasks import models, pytorch
from seq2seq.tasks.models import Model
from seq2seq.tasks.prediction import Prediction
from seq2seq.tasks.workload import Costs, Say, SecondsOfOne, Workload, guessed_vocabulary, seconds_per_row

if TYPE_CHECKING:
    from seq2seq.tasks.preparation import Prepared

_SENTENCES = (1, 8, 32)  # translated together; the larger numbers where there is time
_LINES = 1000  # of the test set, at most, that a benchmark translates


class TranslationWorkload(Workload[PairSource]):
    """Sentence pairs, for either architecture."""

    unit = "pairs"
    beginning_size = 100_000  # the pairs that are bucketed together: fewer would be padded more
    report_every = 1_000_000  # pairs read

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self._layout = models.architecture(recipe).layout

    def batch(self, budget: int) -> Batch:
        """A random batch like the recipe's, of at most `budget` places per side, or of one row: the cost of a step does
        not depend on the tokens. Sides have up to a quarter of the recipe's `max_length`."""
        longest = max(4, self._recipe.data.max_length // 4)
        shortest = longest // 2
        size, generator = (self._rows(budget, longest), 2), torch.Generator().manual_seed(1)
        lengths = torch.randint(shortest, longest + 1, size, generator=generator)
        lengths[-1], lengths[0] = shortest, longest  # so that a batch of two or more rows has padding
        pairs = [(int(source), int(target)) for source, target in lengths]
        return self._random(pairs, guessed_vocabulary(self._recipe.tokenizer), generator)

    def worst(self, budget: int, vocabulary: int | None = None) -> Batch:
        """The random batch that takes the most memory within a budget: every row as long as the recipe allows."""
        longest = self._recipe.data.max_length
        lengths = [(longest, longest)] * self._rows(budget, longest)
        vocabulary = vocabulary or guessed_vocabulary(self._recipe.tokenizer)
        return self._random(lengths, vocabulary, torch.Generator().manual_seed(1))

    def size(self, text: PairSource, say: Say = lambda message: None) -> int:
        count = 0
        for count, _ in enumerate(text.read(), start=1):
            if count % self.report_every == 0:
                say(f"Read: {count:,} pairs of {text.origin}")
        return count

    def beginning(self, text: PairSource, size: int) -> PairSource:
        pairs = list(islice(text.read(), size + 1))
        if len(pairs) <= size:
            return text
        del pairs[size:]
        return PairSource(f"{text.origin}, first {size:,} pairs", lambda: iter(pairs), lambda: digest(pairs))

    def epoch_tokens(self, report: Mapping[str, Any], tokens_per_row: float) -> float:
        return float(report["pairs"]["kept"]) * tokens_per_row

    def judged(self, corpus: Corpus[PairSource]) -> int:
        """The number of pairs of dev or test, whichever has more."""
        return max(sum(1 for _ in text.read()) for text in (corpus.dev, corpus.test))

    def costs(self, prepared: Prepared[PairSource], model: Model, numerics: Numerics, seconds: SecondsOfOne) -> Costs:
        recipe, training = self._recipe, prepared.training
        assert isinstance(training, Prediction)
        sources = [source for source, _ in islice(prepared.corpus.dev.read(), _SENTENCES[-1])]
        translator = pytorch.translating(
            models.architecture(recipe).engine(model, numerics),
            numerics.device,
            prepared.tokenizers,
            SearchOptions(beam_size=1, max_extra=recipe.decoding.max_extra),
            models.longest_source(recipe),
        )
        counts = sorted({min(count, len(sources)) for count in _SENTENCES})
        return Costs(
            pair=seconds_per_row(training, model, numerics, seconds),
            translation=seconds(lambda count: translator.translate(sources[:count]), counts),
            sentences=recipe.training.validate_sentences,
        )

    def lines(self, run: Run) -> list[str]:
        return [sentence.source for sentence in judge.read_set(run)[:_LINES]]

    def _rows(self, budget: int, longest: int) -> int:
        width = int(self._layout.longest(np.array([[longest - 1, longest - 1]]))[0]) + 1
        return max(1, budget // width)

    def _random(self, lengths: Sequence[tuple[int, int]], vocabulary: int, generator: torch.Generator) -> Batch:
        """Pairs whose sides have these lengths, 2 or more, EOS included."""
        longest = max(source + target for source, target in lengths)
        rows = torch.randint(4, vocabulary, (len(lengths), longest), generator=generator).tolist()
        return self._layout.collate(
            [row[: source - 1] for row, (source, _) in zip(rows, lengths)],
            [row[source - 1 : source + target - 2] for row, (source, target) in zip(rows, lengths)],
        )
