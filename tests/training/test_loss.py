"""The chunked loss is label-smoothed cross-entropy, value and gradients, whatever the chunks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from seq2seq.data.tokenizers import PAD
from seq2seq.training import loss
from tests.support import reference

V, C = 13, 6


def summed_loss(
    hidden: Tensor, weight: Tensor, labels: Tensor, smoothing: float, rows_at_once: int | None = None
) -> tuple[Tensor, Tensor]:
    """The loss of the labels that are no padding."""
    counted = (labels != PAD).flatten().nonzero().squeeze(1)
    return loss.summed_loss(hidden, weight, labels, smoothing, counted, rows_at_once=rows_at_once)


def inputs(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """States (3, 5, C), output matrix (V, C), labels (3, 5) of which some are padding."""
    labels = torch.randint(PAD + 1, V, (3, 5))
    labels[0, 3:] = labels[2, 1:] = PAD
    hidden, weight = torch.randn(3, 5, C, dtype=dtype), torch.randn(V, C, dtype=dtype)
    return hidden.requires_grad_(), weight.requires_grad_(), labels


def by_torch(hidden: Tensor, weight: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    logits = (hidden @ weight.T).flatten(0, 1)
    return F.cross_entropy(logits, labels.flatten(), label_smoothing=smoothing, reduction="sum", ignore_index=PAD)


@pytest.mark.parametrize("chunk", [1, 3, 8, 9, 1024])  # nine labels count
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_value_and_gradients_are_those_of_torch(smoothing: float, chunk: int) -> None:
    hidden, weight, labels = inputs()
    found, _ = summed_loss(hidden, weight, labels, smoothing, rows_at_once=chunk)
    expected = by_torch(hidden, weight, labels, smoothing)
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)
    # Scaled, as the loop does, which divides by the tokens of the update.
    for mine, other in zip(
        torch.autograd.grad(found / 7, (hidden, weight)), torch.autograd.grad(expected / 7, (hidden, weight))
    ):
        assert torch.allclose(mine, other, rtol=0, atol=1e-12)


def test_the_value_is_the_definition_of_label_smoothing() -> None:
    hidden, weight, labels = inputs()
    logits = (hidden @ weight.T).flatten(0, 1).tolist()
    found, _ = summed_loss(hidden, weight, labels, 0.1)
    assert found.item() == pytest.approx(reference.smoothed_loss(logits, labels.flatten().tolist(), 0.1), rel=1e-12)


def test_the_second_result_is_the_plain_likelihood_without_gradient() -> None:
    hidden, weight, labels = inputs()
    _, plain = summed_loss(hidden, weight, labels, 0.3)
    assert plain.item() == pytest.approx(by_torch(hidden, weight, labels, 0.0).item(), rel=1e-12)
    assert not plain.requires_grad


def test_padding_has_no_part_in_value_or_gradient() -> None:
    hidden, weight, labels = inputs()
    before, _ = summed_loss(hidden, weight, labels, 0.1)
    (gradient,) = torch.autograd.grad(before, hidden)
    assert (gradient[labels == PAD] == 0).all()
    assert (gradient[labels != PAD] != 0).any(-1).all()
    with torch.no_grad():
        hidden[labels == PAD] = 1e9
    assert torch.equal(summed_loss(hidden, weight, labels, 0.1)[0], before)


def test_a_batch_of_padding_alone_costs_nothing() -> None:
    hidden, weight, labels = inputs()
    found, plain = summed_loss(hidden, weight, torch.full_like(labels, PAD), 0.1)
    found.backward()  # type: ignore[no-untyped-call]
    assert (found.item(), plain.item()) == (0, 0)
    assert weight.grad is not None
    assert not weight.grad.any()


def test_the_loss_of_a_sum_of_batches_is_the_sum_of_their_losses() -> None:
    hidden, weight, labels = inputs()
    parts = [summed_loss(hidden[row : row + 1], weight, labels[row : row + 1], 0.1)[0] for row in range(3)]
    assert sum(part.item() for part in parts) == pytest.approx(
        summed_loss(hidden, weight, labels, 0.1)[0].item(), rel=1e-12
    )


def test_without_gradients_the_value_is_the_same() -> None:
    hidden, weight, labels = inputs()
    expected, _ = summed_loss(hidden, weight, labels, 0.1)
    with torch.no_grad():
        found, _ = summed_loss(hidden.detach(), weight, labels, 0.1)
    assert torch.equal(found, expected)
    assert not found.requires_grad


def test_autocast_takes_bfloat16_products_and_sums_in_float32() -> None:
    hidden, weight, labels = inputs(torch.float32)
    exact, _ = summed_loss(hidden, weight, labels, 0.1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded, plain = summed_loss(hidden, weight, labels, 0.1)
    assert rounded.dtype == plain.dtype == torch.float32
    products = (hidden.bfloat16() @ weight.bfloat16().T).float().flatten(0, 1)
    expected = F.cross_entropy(products, labels.flatten(), label_smoothing=0.1, reduction="sum", ignore_index=PAD)
    assert rounded.item() == pytest.approx(expected.item(), rel=1e-6)
    assert rounded.item() != exact.item()
    for mine, other in zip(
        torch.autograd.grad(rounded, (hidden, weight)), torch.autograd.grad(exact, (hidden, weight))
    ):
        assert mine.dtype == torch.float32
        assert (mine - other).norm() < 0.02 * other.norm()


def test_huge_logits_stay_finite() -> None:
    hidden, weight, labels = inputs(torch.float32)
    found, _ = summed_loss(1e4 * hidden, weight, labels, 0.1)
    (gradient,) = torch.autograd.grad(found, hidden)
    assert found.isfinite()
    assert gradient.isfinite().all()


def test_a_head_alone_can_be_trained() -> None:
    hidden, weight, labels = inputs()
    found, _ = summed_loss(hidden.detach(), weight, labels, 0.1)
    expected = by_torch(hidden.detach(), weight, labels, 0.1)
    assert torch.allclose(*(torch.autograd.grad(each, weight)[0] for each in (found, expected)), rtol=0, atol=1e-12)
