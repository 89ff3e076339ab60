"""An activation that the library does not have: a feed-forward of its own in each layer of a model."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq.model.components import FeedForward, GatedFeedForward
from seq2seq.model.gpt import Gpt
from seq2seq.training.optimisers import Adam
from tests.support.optimised import MODEL, update


def mish(x: Tensor) -> Tensor:
    """x tanh(softplus(x)) (Misra, 2019)."""
    return x * F.softplus(x).tanh()


def with_activation(kind: type[FeedForward]) -> Gpt:
    model = Gpt(MODEL, 30)
    for layer in model.layers():
        layer.feed_forward = kind(MODEL.d_model, MODEL.d_ff, mish, bias=MODEL.bias)
    return model


def test_it_is_trained_and_taken_by_muon() -> None:
    model = with_activation(FeedForward)
    before = nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    update(model, Adam(model.parameters()), 1e-2)
    assert not torch.equal(before, nn.utils.parameters_to_vector(model.parameters()))
    assert {id(layer.feed_forward.inner.weight) for layer in model.layers()} <= {id(each) for each in model.matrices()}


def test_it_decodes_as_it_is_trained() -> None:
    tokens = torch.randint(30, (2, 6))
    for model in (with_activation(FeedForward), with_activation(GatedFeedForward)):
        with torch.no_grad():
            state = model.start(tokens[:, :0])
            steps = [model.step(tokens[:, t : t + 1], state) for t in range(6)]
            assert torch.allclose(torch.cat(steps, dim=1), model(tokens), atol=1e-5)
