"""Dropout: in training alone, at its rate, keeping the mean, on sub-layer outputs and embeddings (section 5.4)."""

from __future__ import annotations

import pytest
import torch

from seq2seq.model.dropout import Dropout
from seq2seq.model.transformer import Transformer
from tests.support.fakes import tiny_recipe


@pytest.mark.parametrize("probability", [0.1, 0.3, 0.5, 0.9])
def test_drops_at_its_rate_and_keeps_the_mean(probability: float) -> None:
    dropout = Dropout(probability).train()
    found = dropout(torch.ones(1000, 1003))
    rate = (found == 0).float().mean().item()
    assert rate == pytest.approx(probability, abs=1 / 512 + 0.002)  # eight bits an element, and chance
    assert found.mean().item() == pytest.approx(1, abs=0.01)
    survivors = found[found != 0]
    assert survivors.min() == survivors.max()


def test_elements_are_dropped_independently() -> None:
    kept = (Dropout(0.5).train()(torch.ones(4000, 16)) != 0).float()
    correlations = torch.corrcoef(kept.T) - torch.eye(16)
    assert correlations.abs().max() < 0.08


def test_two_draws_differ_and_a_seed_repeats_them() -> None:
    dropout, x = Dropout(0.5).train(), torch.ones(100)
    one, other = dropout(x), dropout(x)
    torch.manual_seed(1)
    assert not torch.equal(one, other)
    assert torch.equal(one, dropout(x))


def test_the_gradient_is_scaled_as_the_value_was() -> None:
    x = torch.ones(257, requires_grad=True)
    found = Dropout(0.4).train()(x)
    (gradient,) = torch.autograd.grad(found.sum(), x)
    assert torch.equal(gradient, found.detach())


@pytest.mark.parametrize("x", [torch.ones(0), torch.ones(3, 1, 5).transpose(0, 2), torch.ones(9, dtype=torch.bfloat16)])
def test_shape_and_precision_stay(x: torch.Tensor) -> None:
    found = Dropout(0.5).train()(x)
    assert (found.shape, found.dtype) == (x.shape, x.dtype)


def test_a_probability_next_to_one_is_still_finite() -> None:
    assert Dropout(0.9999).train()(torch.ones(10_000)).isfinite().all()


@pytest.mark.parametrize("probability", [0.0, 0.5])
def test_changes_nothing_when_not_training_or_off(probability: float) -> None:
    x = torch.randn(10)
    assert Dropout(probability).train(mode=probability == 0)(x) is x


def test_a_model_drops_in_training_alone() -> None:
    model = Transformer(tiny_recipe(dropout=0.5), 11, 11)
    source, target = torch.randint(11, (2, 5)), torch.randint(11, (2, 4))
    model.train()
    assert not torch.equal(model(source, None, target), model(source, None, target))
    model.eval()
    assert torch.equal(model(source, None, target), model(source, None, target))


def test_dropout_stands_after_every_sub_layer_and_both_embeddings() -> None:
    model = Transformer(tiny_recipe(encoder_layers=2, decoder_layers=3), 11, 11)
    passed: list[Dropout] = []
    for module in model.modules():
        if isinstance(module, Dropout):
            module.register_forward_hook(lambda dropout, given, result: passed.append(dropout))
    model(torch.randint(11, (1, 3)), None, torch.randint(11, (1, 3)))
    assert len(passed) == 2 + 2 * 2 + 3 * 3
    assert passed.count(model.encoder.dropout) == passed.count(model.decoder.dropout) == 1
