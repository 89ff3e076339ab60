"""What measuring needs to know of the kind of text that a recipe trains on, and nothing else does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch

from seq2seq import build
from seq2seq.data.batches import Batch
from seq2seq.data.corpus import Corpus
from seq2seq.data.documents import Documents
from seq2seq.data.pairs import PairSource
from seq2seq.data.unchanged import digest
from seq2seq.decoding.options import SearchOptions
from seq2seq.device import Numerics, wait
from seq2seq.evaluation import judge
from seq2seq.measure.step_time import Stopwatch, grow
from seq2seq.recipe import Recipe, Tokenizer
from seq2seq.run import Run
from seq2seq.training.prepare import Prepared

Say = Callable[[str], None]

SHARES = (64, 16, 4, 1)  # parts that a batch is cut into, of which one is timed: larger ones as there is time
_VOCABULARIES = {"byte": 260, "character": 100, "tiktoken": 50_000}  # where the recipe does not say
_SENTENCES = (1, 8, 32)  # translated together, as there is time
_LINES = 1000  # of the test set, at most, that a benchmark translates
_CHECKED, _COMPARED = 200, 1000  # sentences on which a copy for CTranslate2 is checked, token by token and by BLEU
# Of a greedy translation by PyTorch: one by CTranslate2's beam, and all that the check of a copy does with a sentence.
_BEAM, _CHECK = 1.0, 9.0
_OF_TEXT = 4  # validations' worth of time, to copy a model of running text and to judge it


@dataclass(frozen=True)
class Costs:
    """Seconds that validating and judging take, by the pairs of dev and of test; of running text whatever those are."""

    whole: float = 0.0  # a validation, where it is not of pairs
    pair: float = 0.0  # the loss of one
    translation: float = 0.0  # of a sentence, greedily, by a model that has not learnt where to end
    sentences: int = 0  # translated in a validation, at most

    def validation(self, pairs: int) -> float:
        """One validation."""
        return self.whole + pairs * self.pair + min(pairs, self.sentences) * self.translation

    def judging(self, pairs: int) -> float:
        """The check of the copy, and the test set."""
        translations = _BEAM * (3 * min(pairs, _COMPARED) + pairs) + _CHECK * min(pairs, _CHECKED)
        return _OF_TEXT * self.whole + translations * self.translation


def of(recipe: Recipe) -> Pairs | RunningText:
    """The kind of text of a recipe."""
    return RunningText(recipe) if recipe.data.form == "text" else Pairs(recipe)


def guessed_vocabulary(tokenizer: Tokenizer) -> int:
    """About how many tokens a tokenizer that is not yet trained will have."""
    return _VOCABULARIES.get(tokenizer.kind, tokenizer.vocabulary_size)


class Pairs:
    """Sentence pairs, for either architecture."""

    unit = "pairs"
    beginning_size = 100_000  # as many as batches are cut of at once: fewer would be padded more
    said_every = 1_000_000  # pairs that were read

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._layout = build.layout(recipe)

    def batch(self, budget: int) -> Batch:
        """A random batch as the recipe has them, of at most `budget` places a side, or of one row: what a step costs
        does not depend on which tokens they are. Sides have up to a quarter of the longest that the recipe takes."""
        longest = max(4, self._recipe.data.max_length // 4)
        shortest = longest // 2
        size, generator = (self._rows(budget, longest), 2), torch.Generator().manual_seed(1)
        lengths = torch.randint(shortest, longest + 1, size, generator=generator)
        lengths[-1], lengths[0] = shortest, longest  # so that two rows or more are padded
        pairs = [(int(source), int(target)) for source, target in lengths]
        return self._random(pairs, guessed_vocabulary(self._recipe.tokenizer), generator)

    def worst(self, budget: int, vocabulary: int | None = None) -> Batch:
        """The random batch of a budget that takes the most memory: every row as long as the recipe takes them."""
        longest = self._recipe.data.max_length
        lengths = [(longest, longest)] * self._rows(budget, longest)
        vocabulary = vocabulary or guessed_vocabulary(self._recipe.tokenizer)
        return self._random(lengths, vocabulary, torch.Generator().manual_seed(1))

    def size(self, text: PairSource, say: Say = lambda message: None) -> int:
        """How long a text is; all of it is read, so that what cannot be is found."""
        count = 0
        for count, _ in enumerate(text.read(), start=1):
            if count % self.said_every == 0:
                say(f"Read: {count:,} pairs of {text.origin}")
        return count

    def beginning(self, text: PairSource, size: int) -> PairSource:
        """The first units of a text; the text itself where it is not longer."""
        pairs = list(islice(text.read(), size + 1))
        if len(pairs) <= size:
            return text
        del pairs[size:]
        return PairSource(f"{text.origin}, first {size:,} pairs", lambda: iter(pairs), lambda: digest(pairs))

    def epoch_tokens(self, report: Mapping[str, Any], tokens_of_a_row: float) -> float:
        """Target tokens of the text that was prepared, by its report."""
        return float(report["pairs"]["kept"]) * tokens_of_a_row

    def judged(self, corpus: Corpus[PairSource]) -> int:
        """Pairs of dev, or of test where it has more: their number decides what validating and judging take."""
        return max(sum(1 for _ in text.read()) for text in (corpus.dev, corpus.test))

    def costs(self, prepared: Prepared, model: build.Model, numerics: Numerics, seconds: float) -> Costs:
        """Time the parts of a validation, for about so many seconds."""
        recipe, dev = self._recipe, prepared.corpus.dev
        sources = [source for source, _ in islice(dev.read(), _SENTENCES[-1])]
        options = SearchOptions(beam_size=1, max_extra=recipe.decoding.max_extra)
        translator = build.translating(model, numerics, prepared.tokenizers, options, build.longest_source(recipe))
        counts = sorted({min(count, len(sources)) for count in _SENTENCES})
        return Costs(
            pair=_loss_of_a_row(prepared, model, numerics, seconds),
            translation=_each(lambda count: translator.translate(sources[:count]), counts, numerics, seconds),
            sentences=recipe.training.validate_sentences,
        )

    def lines(self, run: Run) -> list[str]:
        """What a benchmark translates: sources of the test set."""
        return [sentence.source for sentence in judge.read_set(run)[:_LINES]]

    def overfitted(self, count: int) -> float:
        """Nats per token that a model cannot get under which has overfitted `count` examples."""
        return 0.0

    def _rows(self, budget: int, longest: int) -> int:
        width = int(self._layout.longest(np.array([[longest - 1, longest - 1]]))[0]) + 1
        return max(1, budget // width)

    def _random(self, lengths: Sequence[tuple[int, int]], vocabulary: int, generator: torch.Generator) -> Batch:
        """Pairs whose sides have these lengths, 2 or more, EOS counted."""
        longest = max(source + target for source, target in lengths)
        rows = torch.randint(4, vocabulary, (len(lengths), longest), generator=generator).tolist()
        return self._layout.collate(
            [row[: source - 1] for row, (source, _) in zip(rows, lengths)],
            [row[source - 1 : source + target - 2] for row, (source, target) in zip(rows, lengths)],
        )


class RunningText:
    """Text that a decoder-only model learns to continue."""

    unit = "characters"
    beginning_size = 2_000_000

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def batch(self, budget: int) -> Batch:
        """Rows as long as the context, each position predicting the next token."""
        return self.worst(budget)

    def worst(self, budget: int, vocabulary: int | None = None) -> Batch:
        """The same: text fills its context."""
        context = self._recipe.model.max_length
        size, generator = (max(1, budget // context), context + 1), torch.Generator().manual_seed(1)
        drawn = torch.randint(4, vocabulary or guessed_vocabulary(self._recipe.tokenizer), size, generator=generator)
        filled = size[0] * context
        return Batch((drawn[:, :-1],), drawn[:, 1:], filled, padded=filled, filled=filled)

    def size(self, text: Documents, say: Say = lambda message: None) -> int:
        """Characters."""
        return sum(len(piece) for piece, _ in text.pieces())

    def beginning(self, text: Documents, size: int) -> Documents:
        """The first characters."""
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

    def epoch_tokens(self, report: Mapping[str, Any], tokens_of_a_row: float) -> float:
        """All tokens are predicted."""
        return float(report["text"]["tokens"])

    def judged(self, corpus: Corpus[Documents]) -> int:
        """None are pairs."""
        return 0

    def costs(self, prepared: Prepared, model: build.Model, numerics: Numerics, seconds: float) -> Costs:
        """The loss, and a sample."""
        rows = sum(len(batch.labels) for batch in prepared.task.validation)
        loss = rows * _loss_of_a_row(prepared, model, numerics, seconds)
        sample = Stopwatch().time(lambda: prepared.task.try_out(model, numerics), partial(wait, numerics.device))
        return Costs(whole=loss + sample.median)

    def lines(self, run: Run) -> None:
        """None: such a run does not translate."""
        return

    def overfitted(self, count: int) -> float:
        """Which of the chunks it is has to be guessed from how it begins."""
        return math.log(count) / self._recipe.model.max_length


def _loss_of_a_row(prepared: Prepared, model: build.Model, numerics: Numerics, seconds: float) -> float:
    batch, loss = prepared.task.validation[len(prepared.task.validation) // 2], prepared.task.objective(model, numerics)
    pieces = {len(piece.labels): piece for piece in (batch.pieces(count)[0] for count in SHARES)}
    return _each(lambda count: loss.evaluate([pieces[count]]), list(pieces), numerics, seconds)


def _each(do: Callable[[int], object], counts: Sequence[int], numerics: Numerics, seconds: float) -> float:
    """Seconds of one among as many together as there is time for: more together take less."""
    count, taken = grow(do, counts, seconds, partial(wait, numerics.device))[-1]
    return taken / count
