"""What measuring needs to know of a task: batches like its own, the beginning of a text, what validating it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from seq2seq.data.batches import Batch
from seq2seq.data.corpus import Corpus, SourceT
from seq2seq.device import Numerics
from seq2seq.recipe import Tokenizer
from seq2seq.run import Run

if TYPE_CHECKING:
    from seq2seq.tasks.models import Model
    from seq2seq.tasks.prediction import Prediction
    from seq2seq.tasks.preparation import Prepared

Say = Callable[[str], None]
# Seconds of one, where `do(count)` does several at once: as many of `counts` as there is time for.
SecondsOfOne = Callable[[Callable[[int], object], Sequence[int]], float]

SHARES = (64, 16, 4, 1)  # parts that a batch is cut into, of which one is timed: larger ones as there is time
_VOCABULARIES = {"byte": 260, "character": 100, "tiktoken": 50_000}  # where the recipe does not say
_COMPARED, _CHECKED = 1000, 200  # sentences on which a copy for CTranslate2 is checked, by BLEU and token by token
# Of a greedy translation by PyTorch: one by CTranslate2's beam, and all that the check of a copy does with a sentence.
_BEAM, _CHECK = 1.0, 9.0
_OF_TEXT = 4  # validations' worth of time, to copy a language model and to judge it


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


class Workload(Protocol[SourceT]):
    """What a recipe's task asks of a machine."""

    unit: str  # in which the size of a text is counted
    beginning_size: int  # units that are enough to measure with

    def batch(self, budget: int) -> Batch:
        """A random batch as the recipe has them, of at most `budget` places a side, or of one row: what a step costs
        does not depend on which tokens they are."""

    def worst(self, budget: int, vocabulary: int | None = None) -> Batch:
        """The random batch of a budget that takes the most memory."""

    def size(self, text: SourceT, say: Say = lambda message: None) -> int:
        """How long a text is; all of it is read, so that what cannot be read is found."""

    def beginning(self, text: SourceT, size: int) -> SourceT:
        """The first units of a text; the text itself where it is not longer."""

    def epoch_tokens(self, report: Mapping[str, Any], tokens_per_row: float) -> float:
        """Target tokens of the text that was prepared, by its report."""

    def judged(self, corpus: Corpus[SourceT]) -> int:
        """Records whose number decides what validating and judging take."""

    def costs(self, prepared: Prepared[SourceT], model: Model, numerics: Numerics, seconds: SecondsOfOne) -> Costs:
        """Time the parts of a validation."""

    def lines(self, run: Run) -> list[str] | None:
        """Lines for a benchmark to translate; None where a run does not translate."""


def guessed_vocabulary(tokenizer: Tokenizer) -> int:
    """About how many tokens a tokenizer that is not yet trained will have."""
    return _VOCABULARIES.get(tokenizer.kind, tokenizer.vocabulary_size)


def seconds_of_a_row(training: Prediction, model: Model, numerics: Numerics, seconds: SecondsOfOne) -> float:
    """Seconds that the dev loss of one row takes."""
    batch, objective = training.validation[len(training.validation) // 2], training.objective(model, numerics)
    pieces = {len(piece.labels): piece for piece in (batch.pieces(count)[0] for count in SHARES)}
    return seconds(lambda count: objective.evaluate([pieces[count]]), list(pieces))
