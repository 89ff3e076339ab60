"""The loop where memory runs out: an update in pieces has the same gradient."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from seq2seq import recipe
from seq2seq.data.batches import Batch, Place, collate
from seq2seq.device import Numerics
from seq2seq.errors import DeviceError
from seq2seq.model.transformer import Transformer
from seq2seq.training.loop import Progress, train
from seq2seq.training.objective import CrossEntropy

NUMERICS = Numerics(torch.device("cpu"), None)
SIZES = recipe.Model(d_model=16, d_ff=32, n_heads=2, encoder_layers=1, decoder_layers=1, dropout=0.0)


class Cramped(Transformer):
    """A Transformer in a memory that holds the passes of a few places."""

    def __init__(self, places: int, *, backward: bool = False) -> None:
        torch.manual_seed(1)
        super().__init__(SIZES, 30, 30)
        self.places = places
        self.backward = backward
        self.refused = 0

    def hidden(self, source: Tensor, mask: Tensor | None, target: Tensor) -> Tensor:
        states = super().hidden(source, mask, target)
        if max(source.numel(), target.numel()) > self.places:
            if not self.backward:
                self._refuse()
            # The decoder's gradients are made by then.
            self._hook = self.source_embedding.weight.register_hook(lambda _: self._refuse())
        return states

    def _refuse(self) -> None:
        self.refused += 1
        if self.backward:
            self._hook.remove()
        raise torch.OutOfMemoryError("out of memory")


def batches() -> Iterator[tuple[Place, Batch]]:
    """Eight rows of five tokens a side, then two rows, and so on."""
    generator = torch.Generator().manual_seed(1)
    while True:
        for rows in (8, 2):
            drawn = torch.randint(4, 30, (2, rows, 5), generator=generator).tolist()
            drawn[1][0] = drawn[1][0][:2]  # so that some places do not count
            yield Place(), collate(*drawn)


def updates(model: Transformer, count: int) -> tuple[list[Progress], list[Tensor]]:
    """Some updates, and the weights after them."""
    optimiser = torch.optim.SGD(model.parameters(), lr=0.0)
    parameters, objective = list(model.parameters()), CrossEntropy(model, NUMERICS, 0.1)
    made = train(parameters, optimiser, lambda step: 0.1, batches(), objective, NUMERICS, accumulate=2, clip_norm=1.0)
    return [next(made) for _ in range(count)], [parameter.detach().clone() for parameter in model.parameters()]


@pytest.mark.parametrize("backward", [False, True], ids=["in the forward pass", "in the backward pass"])
def test_an_update_that_runs_out_of_memory_is_made_in_pieces_with_the_same_gradient(backward: bool) -> None:
    whole, expected = updates(Cramped(1000), 3)
    cramped = Cramped(24, backward=backward)
    made, weights = updates(cramped, 3)
    assert [progress.pieces for progress in whole] == [2, 2, 2]
    assert all(progress.pieces > 2 for progress in made)
    for one, other in zip(whole, made):
        assert other.tokens == one.tokens
        assert other.loss.item() == pytest.approx(one.loss.item(), rel=1e-5)
        assert other.gradient_norm.item() == pytest.approx(one.gradient_norm.item(), rel=1e-4)
    for one, other in zip(expected, weights):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-6)


def test_what_did_not_fit_once_is_not_tried_again() -> None:
    cramped = Cramped(24)
    updates(cramped, 5)
    assert cramped.refused == 1


def test_a_single_row_that_does_not_fit_is_an_error_that_says_so() -> None:
    with pytest.raises(DeviceError, match="single sentence"):
        updates(Cramped(3), 1)


def test_another_error_is_not_taken_for_memory() -> None:
    class Faulty(Transformer):
        def hidden(self, source: Tensor, mask: Tensor | None, target: Tensor) -> Tensor:
            raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        updates(Faulty(SIZES, 30, 30), 1)


def test_the_pieces_of_a_batch_are_its_rows() -> None:
    _, batch = next(batches())
    pieces = batch.pieces(3)
    assert [len(piece.labels) for piece in pieces] == [3, 3, 2]
    assert sum(piece.tokens for piece in pieces) == batch.tokens
    assert sum(piece.padded for piece in pieces) == batch.padded
    for part in (0, 2):
        assert torch.equal(torch.cat([piece.inputs[part] for piece in pieces]), batch.inputs[part])  # type: ignore[misc,arg-type]
    assert torch.equal(torch.cat([piece.labels for piece in pieces]), batch.labels)
