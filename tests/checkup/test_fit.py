from __future__ import annotations

import pytest
import torch

from seq2seq import device, recipe
from seq2seq.checkup import fit, memory, random_batches
from seq2seq.checkup.bench import Bench
from seq2seq.device import Numerics
from seq2seq.recipe import files as recipe_files

NUMERICS = Numerics(torch.device("cpu"), None)
SMALL = ["model.d_model=16", "model.d_ff=32", "model.n_heads=2", "model.decoder_layers=1"]


def small(name: str) -> recipe.Recipe:
    return recipe_files.load(name, [*SMALL, "tokenizer.vocabulary_size=300", "training.batch_tokens=2048"])


@pytest.mark.parametrize("name", ["fr-en", "gpt-text"])
def test_the_worst_batch_keeps_within_the_budget_and_takes_the_most_memory(name: str) -> None:
    wanted = small(name)
    bench = Bench(wanted, NUMERICS)
    worst = random_batches.worst(wanted, 2048)
    assert worst.labels.numel() <= 2048
    usual = random_batches.of_recipe(wanted, 2048)
    assert memory.kept(bench.objective, worst) >= 0.95 * memory.kept(bench.objective, usual)


def test_a_cpu_takes_the_batch_of_the_recipe_where_it_fits() -> None:
    assert fit.batch_tokens(small("fr-en"), NUMERICS).batch_tokens == 2048


def test_what_does_not_fit_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "room", lambda where: (4_000_000, "what the test says"))
    found = fit.batch_tokens(small("fr-en"), NUMERICS)
    assert 0 < found.batch_tokens < 2048
    assert "what the test says" in found.how


def test_a_batch_that_had_to_be_cut_is_none_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(small("fr-en"), NUMERICS)
    plain = bench._model.hidden

    def cramped(*inputs: torch.Tensor) -> torch.Tensor:
        if inputs[0].numel() > 600:
            raise torch.OutOfMemoryError("out of memory")
        return plain(*inputs)

    monkeypatch.setattr(bench._model, "hidden", cramped)
    updates = bench._updates(random_batches.of_recipe(small("fr-en"), 1024))
    with pytest.raises(RuntimeError, match="had to be cut") as caught:
        next(updates)
    assert device.out_of_memory(caught.value)  # type: ignore[arg-type]
