"""A feed-forward is made by one factory: another is one class and one row."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from seq2seq import recipe
from seq2seq.errors import RecipeError
from seq2seq.model import components
from seq2seq.model.components import FEED_FORWARDS, FeedForward, GatedFeedForward, feed_forward
from seq2seq.model.gpt import Gpt
from seq2seq.model.transformer import Transformer
from seq2seq.sizes import least_parameters, must_fit_machine
from tests.support.fakes import randomise, tiny_recipe


def test_a_recipe_names_every_feed_forward_and_no_other() -> None:
    assert set(get_args(recipe.Model.model_fields["activation"].annotation)) == set(FEED_FORWARDS)


@pytest.mark.parametrize("bias", [True, False])
def test_swiglu_is_its_equation(bias: bool) -> None:
    layer = randomise(feed_forward(tiny_recipe(activation="swiglu", bias=bias))).double()
    assert isinstance(layer, GatedFeedForward)
    x = torch.randn(2, 3, 8, dtype=torch.float64)
    gate, inner = layer.gate(x), layer.inner(x)
    assert torch.allclose(layer(x), layer.outer(gate * torch.sigmoid(gate) * inner))
    assert sum(weight.dim() == 1 for weight in layer.parameters()) == 3 * bias


@pytest.mark.parametrize("activation", FEED_FORWARDS)
@pytest.mark.parametrize("architecture", ["encoder-decoder", "decoder-only"])
def test_the_least_parameters_are_those_of_all_matrices(architecture: str, activation: str) -> None:
    config = tiny_recipe(architecture=architecture, activation=activation, positions="learned", bias=False)
    model = Gpt(config, 11) if architecture == "decoder-only" else Transformer(config, 11, 11)
    matrices = sum(weight.numel() for weight in model.parameters() if weight.dim() == 2)
    # Positions of an encoder-decoder are twice as many as the longest sequence has.
    more = config.max_length * config.d_model if architecture == "encoder-decoder" else 0
    assert least_parameters(config, 11) + more == matrices


def test_counting_parameters_neither_takes_memory_nor_draws() -> None:
    state = torch.get_rng_state()
    huge = recipe.Model(d_model=999_998, d_ff=1_000_000, n_heads=1, activation="swiglu")
    with pytest.raises(RecipeError, match="GiB in float32, and this machine has"):
        must_fit_machine(recipe.Recipe(model=huge))
    assert torch.equal(torch.get_rng_state(), state)


def test_another_feed_forward_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(components.FEED_FORWARDS, "relu", (GatedFeedForward, torch.sigmoid))  # GLU
    model = Gpt(tiny_recipe(architecture="decoder-only"), 11)
    first = model.layers()[0].feed_forward
    assert isinstance(first, GatedFeedForward) and first.activation is torch.sigmoid
    tokens = torch.randint(11, (2, 6))
    with torch.no_grad():
        state = model.start(tokens[:, :0])
        steps = [model.step(tokens[:, t : t + 1], state) for t in range(6)]
        assert torch.allclose(torch.cat(steps, dim=1), model(tokens), atol=1e-5)


def test_biases_start_at_zero_and_matrices_at_xaviers_deviation() -> None:
    for kind in (FeedForward, GatedFeedForward):
        layer = kind(64, 128, F.relu, bias=True)
        for module in layer.children():
            assert isinstance(module, nn.Linear) and not module.bias.any()
            assert module.weight.std().item() == pytest.approx((2 / (64 + 128)) ** 0.5, rel=0.05)
