"""Memory that there is, what a batch takes, and the largest that fits."""

from __future__ import annotations

import pytest
import torch

from seq2seq import limits, recipe
from seq2seq.device import Numerics
from seq2seq.measure import memory
from seq2seq.measure.steps import ModelSteps
from seq2seq.recipe import files as recipe_files
from tests.support import tiny
from tests.support.clock import Clock

CPU = Numerics(torch.device("cpu"), None)
TEXT = recipe_files.parse(tiny.TEXT_RECIPE, "tiny text")
SMALL = ["model.d_model=16", "model.d_ff=32", "model.n_heads=2", "model.decoder_layers=1"]


def small(name: str) -> recipe.Recipe:
    return recipe_files.load(name, [*SMALL, "tokenizer.vocabulary_size=300", "training.batch_tokens=2048"])


@pytest.mark.parametrize("name", ["fr-en", "gpt-text"])
def test_the_worst_batch_keeps_within_the_budget_and_takes_the_most_memory(name: str) -> None:
    wanted = small(name)
    steps = ModelSteps(wanted, CPU)
    worst = steps.workload.worst(2048)
    assert worst.labels.numel() <= 2048
    usual = steps.workload.batch(2048)
    assert memory.saved_bytes(steps.objective, worst) >= 0.95 * memory.saved_bytes(steps.objective, usual)


def test_a_cpu_takes_the_batch_of_the_recipe_where_it_fits() -> None:
    assert memory.largest_batch(small("fr-en"), CPU).batch_tokens == 2048


def test_what_does_not_fit_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda device: (4_000_000, "what the test says"))
    budget = memory.largest_batch(small("fr-en"), CPU)
    assert 0 < budget.batch_tokens < 2048
    assert "what the test says" in budget.how


def test_what_a_token_keeps_does_not_depend_on_the_batch() -> None:
    steps = ModelSteps(TEXT, CPU)
    few, many = memory.bytes_per_token(steps, 1), memory.bytes_per_token(steps, 512)
    assert few == pytest.approx(many, rel=0.02)
    widths = TEXT.model.decoder_layers * TEXT.model.d_model * 4
    assert few > 5 * widths  # every sub-layer keeps several states


def test_an_estimate_of_the_largest_batch_leaves_room_for_the_weights() -> None:
    there, _ = memory.available(CPU.device)
    assert 0 < there <= limits.memory()
    budget = memory.estimated_budget(0, 1024.0, CPU.device).batch_tokens
    assert budget == pytest.approx(there * memory.FULL / 1024, rel=0.6) and budget < there / 1024
    assert memory.estimated_budget(there, 1024.0, CPU.device).batch_tokens == 0


def test_the_largest_batch_is_found_by_doubling() -> None:
    clock = Clock()

    def step(tokens: int) -> int:
        clock.now += 1
        if tokens > 5000:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return 10 * tokens

    measured = memory.measured_budget(step, 100, 10**6, seconds=60, clock=clock)
    assert measured.batch_tokens == 3200 and "at 6,400 memory ran out" in measured.how
    assert memory.measured_budget(step, 100, 10**4, seconds=60, clock=clock).batch_tokens == 800  # 90 % of 10⁴
    assert memory.measured_budget(step, 100, 10**6, seconds=2.5, clock=clock).batch_tokens == 400

    def broken(tokens: int) -> int:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        memory.measured_budget(broken, 100, 10**6, seconds=60, clock=clock)
