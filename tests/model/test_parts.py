"""The norms of a few vectors, made of few operators, are torch's."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from seq2seq.model.parts import RmsNorm, UnitHeads


@pytest.mark.parametrize("size", [1.0, 300.0, 1e-2, 1e-5, 0.0])  # where it is small, epsilon counts
def test_few_vectors_are_normalised_as_torch_does_it(size: float) -> None:
    torch.manual_seed(1)
    x = torch.randn(3, 1, 32) * size
    norm = RmsNorm(32)
    torch.nn.init.normal_(norm.weight)
    with torch.no_grad():
        assert torch.allclose(norm(x), F.rms_norm(x, (32,), norm.weight), rtol=1e-6, atol=1e-6)
        assert torch.allclose(UnitHeads(32)(x), F.rms_norm(x, (32,)), rtol=1e-6, atol=1e-6)


def test_training_takes_the_norm_of_torch() -> None:
    x = torch.randn(3, 32, requires_grad=True)
    norm = RmsNorm(32)
    assert torch.equal(norm(x), F.rms_norm(x, (32,), norm.weight))
    assert torch.equal(UnitHeads(32)(x), F.rms_norm(x, (32,)))
    assert list(norm.state_dict()) == ["weight"]
