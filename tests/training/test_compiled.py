"""Compiled layers compute the same."""

from __future__ import annotations

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from seq2seq import recipe
from seq2seq.errors import DeviceError
from seq2seq.model.gpt import Gpt
from seq2seq.model.transformer import Transformer
from seq2seq.training.compiled import compile_layers, uncompiled

SIZES = recipe.Model(d_model=16, d_ff=32, n_heads=2, encoder_layers=2, decoder_layers=2, dropout=0.0, norm="pre")
CPU = torch.device("cpu")


def gradients(model: Transformer | Gpt, rows: int, length: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(rows)
    source, target = torch.randint(4, 30, (2, rows, length), generator=generator)
    mask = torch.ones(rows, 1, 1, length, dtype=torch.bool)
    mask[0, ..., -1] = False
    inputs = (target,) if isinstance(model, Gpt) else (source, mask, target)
    model.zero_grad()
    model(*inputs).square().mean().backward()
    return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # torch's own, while it compiles
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("kind", ["encoder-decoder", "decoder-only"])
def test_compiled_layers_compute_the_same_in_a_bounded_number_of_graphs(kind: str) -> None:
    torch.manual_seed(1)
    model = Gpt(SIZES, 30) if kind == "decoder-only" else Transformer(SIZES, 30, 30)
    shapes = [(3, 5), (4, 7), (2, 9), (6, 6), (5, 11), (3, 13)]
    plain = [gradients(model, *shape) for shape in shapes]
    torch._dynamo.reset()
    counted = CompileCounter()
    compile_layers(model, CPU, backend=counted)  # type: ignore[arg-type]
    for expected, shape in zip(plain, shapes):
        for one, other in zip(expected, gradients(model, *shape), strict=True):
            torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-6)
        if shape == shapes[1]:
            graphs = counted.frame_count
    assert 0 < graphs == counted.frame_count
    with uncompiled():
        gradients(model, 9, 4)
    assert counted.frame_count == graphs


def test_where_it_does_not_pay_it_is_refused() -> None:
    with pytest.raises(DeviceError, match=r"training\.compile = true on cpu"):
        compile_layers(Gpt(SIZES, 30), CPU)
