"""The sinusoids of section 3.5, at any length."""

from __future__ import annotations

import torch

from seq2seq.model.positions import Sinusoidal, sinusoids
from tests.support import reference
from tests.support.fakes import tiny_transformer


def test_the_table_is_the_formula_far_out_too() -> None:
    table = sinusoids(5000, 16)
    for t in (0, 1, 2, 77, 4999):
        assert torch.allclose(table[t], torch.tensor(reference.position(t, 16)), rtol=0, atol=1e-6)


def test_positions_are_counted_from_the_start_given() -> None:
    positions, x = Sinusoidal(8, 20), torch.randn(2, 3, 8)
    assert torch.allclose(positions(x, start=5) - x, sinusoids(20, 8)[5:8].expand(2, 3, 8), atol=1e-6)


def test_the_table_grows_where_a_sequence_is_longer() -> None:
    short, long, x = Sinusoidal(8, 4), Sinusoidal(8, 100), torch.randn(1, 30, 8)
    assert torch.equal(short(x), long(x))
    assert torch.equal(short(x, start=40), long(x, start=40))


def test_a_table_grown_while_translating_still_serves_training() -> None:
    model = tiny_transformer(max_length=2)
    source, target = torch.randint(11, (1, 9)), torch.randint(11, (1, 9))
    with torch.inference_mode():
        expected = model(source, None, target)
    logits = model.train()(source, None, target)
    logits.sum().backward()
    torch.testing.assert_close(logits.detach(), expected)


def test_positions_take_the_precision_of_the_vectors_and_stay_out_of_the_weights() -> None:
    positions = Sinusoidal(8, 4)
    assert positions(torch.zeros(1, 6, 8, dtype=torch.bfloat16)).dtype == torch.bfloat16
    assert not positions.state_dict()
