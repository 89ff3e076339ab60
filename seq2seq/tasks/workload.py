"""What measurements need from a task: batches like its own, the beginning of a text, the cost of validating."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic

from seq2seq.data.batches import Batch
from seq2seq.data.corpus import Corpus, Source, SourceT
from seq2seq.device import Numerics
from seq2seq.recipe import Recipe, Tokenizer
from seq2seq.run import Run
from seq2seq.training.objective import CrossEntropy, for_recipe
from seq2seq.training.task import Prepared

if TYPE_CHECKING:
    from seq2seq.tasks.models import TransformerOrGpt

# (do, counts) -> seconds of one item, where `do(count)` processes several at once: the largest of `counts` that time
# allows is timed.
SecondsOfOne = Callable[[Callable[[int], object], Sequence[int]], float]

SHARES = (64, 16, 4, 1)  # parts that a batch is cut into, of which one is timed; larger parts where there is time
_VOCABULARIES = {"byte": 260, "character": 100, "tiktoken": 50_000}  # where the recipe gives no size
_COMPARED, _CHECKED = 1000, 200  # sentences that check a CTranslate2 copy: by BLEU, and token by token
# In greedy translations by PyTorch: a CTranslate2 beam search of a sentence, and the token-by-token check of one.
_BEAM, _CHECK = 1.0, 9.0
_OF_TEXT = 4  # in validations: to copy and judge a language model
_DRAWN = 4  # completions of a prompt to judge what writes: drawn and most probable ones, of it and of its start


@dataclass(frozen=True)
class Costs:
    """Seconds that validating and judging take, as functions of the number of pairs; constant for running text."""

    whole: float = 0.0  # a validation on running text
    pair: float = 0.0  # the loss of one pair
    translation: float = 0.0  # of a sentence, greedily
    sentences: int = 0  # translated in a validation, at most
    completion: float = 0.0  # of a prompt, drawn
    first: float = 0.0  # once, before the first update, beside preparing text

    def validation(self, pairs: int) -> float:
        """One validation."""
        return self.whole + pairs * self.pair + min(pairs, self.sentences) * self.translation

    def judging(self, pairs: int) -> float:
        """Checking the CTranslate2 copy, and judging on the test set."""
        translations = _BEAM * (3 * min(pairs, _COMPARED) + pairs) + _CHECK * min(pairs, _CHECKED)
        return _OF_TEXT * self.whole + translations * self.translation + _DRAWN * pairs * self.completion


class Workload(ABC, Generic[SourceT]):
    """The workload of a recipe's task."""

    unit: str  # of the size of a text
    beginning_size: int  # units that are enough to measure with
    decodes: bool = True  # whether the model produces tokens
    predicts: bool = True  # whether training is prediction of its labels, whose phases can be timed
    together: int = 1  # updates that are made of batches drawn together
    drawn: int = 50  # batches whose sizes are averaged

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    @property
    def update(self) -> str:
        """How much an update learns from."""
        training = self._recipe.training
        return f"{training.batch_tokens * training.accumulate:,} padded tokens"

    def lighter(self, corpus: Corpus[SourceT]) -> tuple[Recipe, float]:
        """A recipe of the same updates to measure with, which makes less text by means of its start, and how much of
        it, as a share."""
        return self._recipe, 1.0

    def batch(self, budget: int) -> Batch:
        """A random batch like the recipe's, of at most `budget` places per side, or of one row: the cost of a step does
        not depend on the tokens."""
        return self.worst(budget)

    @abstractmethod
    def worst(self, budget: int, vocabulary: int | None = None) -> Batch:
        """The random batch that takes the most memory within a budget."""

    def largest(self, drawn: Sequence[Batch], vocabulary: int) -> Batch:
        """A batch that takes as much memory as any in training, of which some were drawn."""
        return self.worst(self._recipe.training.batch_tokens, vocabulary)

    def size(self, text: SourceT, say: Callable[[str], None] = lambda message: None) -> int:
        """The size of a text in units, here records; all of it is read, which finds whatever cannot be read."""
        return count_records(text)

    def beginning(self, text: SourceT, size: int) -> SourceT:
        """The first units of a text, here records; the text itself where it is not longer."""
        longer = any(True for _ in islice(text.read(), size, None))
        return text.first(size) if longer else text

    @abstractmethod
    def epoch_tokens(self, report: Mapping[str, Any], tokens_per_row: float) -> float:
        """Target tokens of one epoch, from the report on the prepared text."""

    def judged(self, corpus: Corpus[SourceT]) -> int:
        """The number of records that validating and judging take time for; 0 where they are not counted."""
        return 0

    def model(self, vocabulary: int) -> Any:
        """A model of the recipe with random weights, whose vocabularies have about this size."""
        from seq2seq.tasks import models

        return models.model(self._recipe, vocabulary, vocabulary)

    def objective(self, model: Any, numerics: Numerics) -> CrossEntropy:
        """What training minimises, for a model or what stands for one."""
        return for_recipe(self._recipe, model, numerics)

    @abstractmethod
    def costs(
        self, prepared: Prepared[SourceT], model: TransformerOrGpt, numerics: Numerics, seconds: SecondsOfOne
    ) -> Costs:
        """The measured costs of validating and judging."""

    def lines(self, run: Run) -> list[str] | None:
        """Lines for a benchmark to translate; None where the run is not a translator."""
        return None


class WorkloadOfStart(Workload[Any]):
    """The workload of a task that improves, or judges, what a run of another task writes: devices are measured by that
    task, with the same layers, updates by the batches that are drawn."""

    unit = "examples"
    predicts = False

    def __init__(self, recipe: Recipe, base: Workload[Any]) -> None:
        super().__init__(recipe)
        self._base = base
        self.decodes = base.decodes

    def batch(self, budget: int) -> Batch:
        return self._base.batch(budget)

    def worst(self, budget: int, vocabulary: int | None = None) -> Batch:
        return self._base.worst(budget, vocabulary)

    def model(self, vocabulary: int) -> Any:
        return self._base.model(vocabulary)

    def objective(self, model: Any, numerics: Numerics) -> CrossEntropy:
        return self._base.objective(model, numerics)

    def largest(self, drawn: Sequence[Batch], vocabulary: int) -> Batch:
        return max(drawn, key=lambda batch: batch.padded)

    def judged(self, corpus: Corpus[Any]) -> int:
        return max(map(count_records, (corpus.dev, corpus.test)))


def count_records(text: Source[Any]) -> int:
    """The number of records of a text."""
    return sum(1 for _ in text.read())


def guessed_vocabulary(tokenizer: Tokenizer) -> int:
    """The approximate vocabulary size of a tokenizer that is not trained yet."""
    return _VOCABULARIES.get(tokenizer.kind, tokenizer.vocabulary_size)


def seconds_per_row(training: Any, model: Any, numerics: Numerics, seconds: SecondsOfOne) -> float:
    """Seconds that the dev loss of one row takes, for a training task that has its batches as `validation`."""
    batch, objective = training.validation[len(training.validation) // 2], training.objective(model, numerics)
    pieces = {len(piece.labels): piece for piece in (batch.pieces(count)[0] for count in SHARES)}
    return seconds(lambda count: objective.evaluate([pieces[count]]), list(pieces))
