"""The token budget of a batch, found by trying."""

from __future__ import annotations

from seq2seq import recipe
from seq2seq.checkup import memory
from seq2seq.checkup.bench import Bench
from seq2seq.checkup.memory import Budget
from seq2seq.device import Numerics, release

_SECONDS = 20.0
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
