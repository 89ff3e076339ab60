"""A gradient by several threads is that of one, and the same each time it is computed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from seq2seq import recipe
from seq2seq.data.batches import Batch, collate
from seq2seq.device import Numerics
from seq2seq.model.dropout import Dropout
from seq2seq.model.transformer import Transformer
from seq2seq.training import gradient
from seq2seq.training.gradient import PerThread, Sequential, passes_on
from seq2seq.training.objective import CrossEntropy, Measured

CPU = Numerics(torch.device("cpu"), None)
ROUNDED = Numerics(torch.device("cpu"), torch.bfloat16)


@pytest.fixture(params=[2, 3])
def several(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, use_threads: Callable[[int], None]) -> int:
    """Threads, each of which takes the smallest of batches."""
    monkeypatch.setattr(gradient, "MIN_PLACES_PER_THREAD", 1)
    count: int = request.param
    use_threads(count)
    return count


def batches() -> list[Batch]:
    generator = torch.Generator().manual_seed(1)
    made = []
    for rows in (11, 1, 6):
        sources, targets = torch.randint(4, 40, (2, rows, 9), generator=generator).tolist()
        made.append(collate([each[: 2 + place % 8] for place, each in enumerate(sources)], targets))
    return made


def added(dropout: float, *, times: int = 1, numerics: Numerics = CPU) -> list[tuple[float, list[Tensor]]]:
    """Loss and gradients of the batches, from the same weights and random numbers each time."""
    torch.manual_seed(1)
    sizes = recipe.Model(d_model=16, d_ff=32, n_heads=2, encoder_layers=1, decoder_layers=1, dropout=dropout)
    model = Transformer(sizes, 40, 40).train()
    parameters, objective = list(model.parameters()), CrossEntropy(model, numerics, 0.1)
    found = []
    with passes_on(CPU.device) as passes:
        assert isinstance(passes, Sequential if torch.get_num_threads() == 1 else PerThread)
        for _ in range(times):
            torch.manual_seed(2)
            loss = passes.add(partial(objective, step=1), batches(), 100.0, parameters).loss
            found.append((loss.item(), [weight.grad for weight in parameters if weight.grad is not None]))
            for weight in parameters:
                weight.grad = None
    return found


def test_it_is_that_of_one_thread_and_the_caller_keeps_its_threads(
    several: int, use_threads: Callable[[int], None]
) -> None:
    [(loss, gradients)] = added(0.0)
    assert torch.get_num_threads() == several
    use_threads(1)
    [(alone, expected)] = added(0.0)
    assert loss == pytest.approx(alone, rel=1e-6)
    for one, other in zip(gradients, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("numerics", [CPU, ROUNDED], ids=["float32", "bfloat16"])
def test_with_dropout_it_repeats_to_the_last_bit(several: int, numerics: Numerics) -> None:
    (loss, gradients), *others = added(0.3, times=20, numerics=numerics)
    assert loss != added(0.0, numerics=numerics)[0][0]
    for again, repeated in others:
        assert again == loss
        assert all(torch.equal(one, other) for one, other in zip(gradients, repeated, strict=True))


def test_each_part_of_a_batch_drops_other_elements(several: int) -> None:
    dropped = []
    weight = torch.nn.Parameter(torch.ones(1))
    dropout = Dropout(0.5).train()

    def measure(batch: Batch) -> Measured:
        dropped.append(tuple(dropout(torch.ones(300)).tolist()))
        return Measured(weight.sum(), {})

    with passes_on(CPU.device) as passes:
        passes.add(measure, batches(), 1.0, [weight])
        passes.add(measure, batches(), 1.0, [weight])
    assert len(dropped) > 6 and len(set(dropped)) == len(dropped)
    assert weight.grad is not None and weight.grad.item() == len(dropped)


def test_an_error_comes_when_no_thread_computes_any_more(several: int) -> None:
    began, ended = [], []
    weight = torch.nn.Parameter(torch.ones(1))

    def measure(batch: Batch) -> Measured:
        began.append(batch)
        try:
            if len(batch.labels) == 1:
                raise torch.OutOfMemoryError("out of memory")
            (torch.ones(400, 400) @ torch.ones(400, 400)).sum()
            return Measured(weight.sum(), {})
        finally:
            ended.append(batch)

    with passes_on(CPU.device) as passes, pytest.raises(torch.OutOfMemoryError):
        passes.add(measure, batches(), 1.0, [weight])
    assert len(began) == len(ended) > 1


def test_a_batch_of_a_few_places_is_not_cut(use_threads: Callable[[int], None]) -> None:
    use_threads(4)
    seen = []
    weight = torch.nn.Parameter(torch.ones(1))

    def measure(batch: Batch) -> Measured:
        seen.append(len(batch.labels))
        return Measured(weight.sum(), {})

    with passes_on(CPU.device) as passes:
        passes.add(measure, batches(), 1.0, [weight])
    assert sorted(seen) == [1, 6, 11]


def test_where_parts_may_not_be_computed_side_by_side_they_are_not(use_threads: Callable[[int], None]) -> None:
    use_threads(2)
    with passes_on(CPU.device, side_by_side=False) as passes:
        assert isinstance(passes, Sequential)
