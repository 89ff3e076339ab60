"""What a machine and a person can spare: the token budget of a batch and the updates in so many minutes, found by
trying."""

from __future__ import annotations

from seq2seq import recipe
from seq2seq.checkup import memory
from seq2seq.checkup.bench import Bench
from seq2seq.checkup.estimate import Estimate, estimate
from seq2seq.checkup.memory import Budget
from seq2seq.data.corpora import Corpus
from seq2seq.data.texts import TextCorpus
from seq2seq.device import Choice, Numerics, release
from seq2seq.errors import RecipeError

_SECONDS = 20.0
_TIMED = 12  # updates
_TRAINING = 0.9  # of the minutes; the rest is for validations
_LEAST = 20  # updates that are worth training for
_FEW = 512  # tokens of the batch that an estimate starts from


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


def updates(wanted: recipe.Recipe, corpus: Corpus | TextCorpus, choice: Choice, minutes: float) -> tuple[int, Estimate]:
    """What --minutes takes: how many updates fit, with their validations, as the machine is now.

    Raises RecipeError where hardly any do.
    """
    found = estimate(wanted, corpus, choice, _TIMED)
    count = int(_TRAINING * 60 * minutes / found.step_seconds)
    if count < _LEAST:
        raise RecipeError(
            f"--minutes {minutes:g}: time for {count} updates at {found.step_seconds:.2f} s each (measured); give more "
            "minutes or take a smaller model"
        )
    return count, found
