"""What a machine and a person can spare: the token budget of a batch and the training that fits so many minutes, found
by trying."""

from __future__ import annotations

import math
import time
from typing import Any

from seq2seq import recipe
from seq2seq.checkup import memory
from seq2seq.checkup.bench import Bench
from seq2seq.checkup.estimate import Estimate, Say, estimate, holds_documents
from seq2seq.checkup.memory import Budget
from seq2seq.data.corpus import Corpus
from seq2seq.device import Choice, Numerics, release
from seq2seq.errors import RecipeError

_SECONDS = 20.0
_TIMING = 0.08  # of the minutes, for timing updates
_VALIDATING, _JUDGING = 0.2, 0.25  # of what is left, at most
_LEAST = 10  # updates that are worth training for
_FEW = 512  # tokens of the batch that an estimate starts from

_VALIDATIONS = 4  # where the recipe has more, and dev has to be cut for them
_PAIRS = 10  # that judge, at least
_CHECKED, _COMPARED = 200, 1000  # sentences on which a copy for CTranslate2 is checked, token by token and by BLEU
# Of a greedy translation by PyTorch: one by CTranslate2's beam, and all that the check of a copy does with a sentence.
_BEAM, _CHECK = 1.0, 9.0
_ALWAYS = 0.3  # seconds, to write the model and its copies
_OF_TEXT = 4  # validations' worth of time, to copy a model of running text and to judge it


def batch_tokens(wanted: recipe.Recipe, numerics: Numerics) -> Budget:
    """What --batch-tokens auto takes: on CUDA the largest worst batch that ran, elsewhere an estimate; on a CPU, where
    larger batches are not faster, no more than the recipe's own."""
    where = numerics.device
    bench = Bench(wanted, numerics)
    if where.type == "cuda":
        there, _ = memory.room(where)
        found = memory.measured_budget(bench.memory_of, wanted.training.batch_tokens // 8, there, seconds=_SECONDS)
        del bench
        release(where)
        return found
    found = memory.estimated_budget(bench.parameters, bench.bytes_a_token(_FEW), where)
    usual = wanted.training.batch_tokens
    if where.type == "cpu" and usual <= found.batch_tokens:
        return Budget(usual, f"the recipe's own, since larger ones are not faster on a CPU; {found.how}")
    return found


def training(
    wanted: recipe.Recipe, corpus: Corpus[Any], choice: Choice, minutes: float, say: Say
) -> tuple[recipe.Recipe, Estimate]:
    """What --minutes takes: the recipe with as many updates as fit so many minutes from now on, with measuring,
    preparing text, validating and judging, as the machine is now. Where dev and test take too long to translate, the
    beginnings of them judge.

    Raises RecipeError where hardly any update fits.
    """
    end = time.perf_counter() + 60 * minutes
    say("Measuring updates and a validation")
    found = estimate(wanted, corpus, choice, lambda message: None, max(0.1, _TIMING * 60 * minutes))
    left = end - time.perf_counter() - found.preparing - _ALWAYS
    usual = wanted.training
    all_validations = math.ceil(usual.steps / usual.validate_every)
    costs = _Costs(wanted, found)
    if holds_documents(corpus):
        pairs = most = 0
    else:
        most = max(sum(1 for _ in text.read()) for text in (corpus.dev, corpus.test))
        pairs = costs.pairs(_VALIDATING * left / min(all_validations, _VALIDATIONS), _JUDGING * left, most)
    validation = costs.validation(pairs)
    validations = max(1, min(all_validations, int(_VALIDATING * left / validation)))
    count = int((left - costs.judging(pairs) - validations * validation) / found.step_seconds)
    if count < _LEAST:
        raise RecipeError(
            f"--minutes {minutes:g}: time for {max(0, count)} updates at {found.step_seconds:.2f} s each, beside "
            "preparing text, validating and judging (measured); give more minutes or take a smaller model"
        )
    share = usual.validate_every / usual.steps if validations == all_validations else 1 / validations
    judging = pairs if pairs < most else wanted.data.judge_pairs
    return wanted.with_budget(count, math.ceil(share * count), judging), found


class _Costs:
    """Seconds that validating and judging take, by the pairs of dev and of test."""

    def __init__(self, wanted: recipe.Recipe, found: Estimate) -> None:
        self._sentences = wanted.training.validate_sentences
        self._found = found

    def validation(self, pairs: int) -> float:
        """One validation."""
        found = self._found
        if not found.translation:
            return found.dev_loss + found.sample
        return pairs * found.dev_loss + min(pairs, self._sentences) * found.translation

    def judging(self, pairs: int) -> float:
        """The check of the copy, and the test set."""
        if not self._found.translation:
            return _OF_TEXT * self.validation(0)
        translations = _BEAM * (3 * min(pairs, _COMPARED) + pairs) + _CHECK * min(pairs, _CHECKED)
        return translations * self._found.translation

    def pairs(self, validating: float, judging: float, most: int) -> int:
        """The most pairs whose validation, and whose judging, take so long."""
        low, high = min(_PAIRS, most), most
        while low < high:
            middle = (low + high + 1) // 2
            fits = self.validation(middle) <= validating and self.judging(middle) <= judging
            low, high = (middle, high) if fits else (low, middle - 1)
        return low
