"""`attend` gives equation 1 whichever kernel it takes; cross-attention shares a memory among beams."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from seq2seq.model import attention
from seq2seq.model.attention import CrossAttention, attend
from tests.support import reference
from tests.support.fakes import padding_mask, randomise, tiny_recipe

KERNELS = {"products": 1_000_000, "scaled_dot_product_attention": 0}
B, H, D = 2, 3, 4


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(attention, "MAX_EXPLICIT_SCORES", KERNELS[request.param])
    return str(request.param)


def inputs(T: int, S: int) -> tuple[Tensor, Tensor, Tensor]:
    return tuple(torch.randn(B, H, length, D, dtype=torch.float64) for length in (T, S, S))  # type: ignore[return-value]


def in_loops(query: Tensor, key: Tensor, value: Tensor, allowed: Tensor) -> Tensor:
    """Equation 1 head by head; allowed (B, H, T, S)."""

    def one_head(b: int, h: int) -> reference.Matrix:
        queries, keys, values = (part[b, h].tolist() for part in (query, key, value))
        return reference.attention(queries, keys, values, lambda t, s: bool(allowed[b, h, t, s]))

    return torch.tensor([[one_head(b, h) for h in range(H)] for b in range(B)], dtype=torch.float64)


def masks(T: int, S: int) -> dict[str, Tensor | None]:
    """The shapes that a mask may take; no row is empty, the first key is always seen."""
    graph = torch.rand(B, H, T, S) < 0.5
    graph[..., 0] = True
    return {
        "none": None,
        "keys": graph[0, 0, 0],
        "padding": padding_mask([S, max(1, S - 2)]),
        "graph": graph[:, :1],
        "each head's own": graph,
    }


@pytest.mark.parametrize("mask", ["none", "keys", "padding", "graph", "each head's own"])
@pytest.mark.parametrize(
    ("T", "S", "causal"), [(4, 4, False), (2, 5, False), (5, 2, False), (1, 4, True), (4, 4, True), (2, 5, True)]
)
def test_attend_is_equation_one(kernel: str, T: int, S: int, causal: bool, mask: str) -> None:
    query, key, value = inputs(T, S)
    chosen = masks(T, S)[mask]
    allowed = torch.ones(B, H, T, S, dtype=torch.bool) if chosen is None else chosen.expand(B, H, T, S)
    if causal:
        past = torch.tensor([[s <= S - T + t for s in range(S)] for t in range(T)])
        allowed = allowed & past
    found = attend(query, key, value, mask=chosen, causal=causal)
    assert torch.allclose(found, in_loops(query, key, value, allowed), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("T", "S", "causal"), [(6, 6, True), (3, 7, True), (6, 4, False)])
def test_both_kernels_have_the_same_gradients(T: int, S: int, causal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [part.requires_grad_() for part in inputs(T, S)]
    importance = torch.randn(B, H, T, D, dtype=torch.float64)
    mask = padding_mask([S, S - 1])
    gradients = []
    for short in KERNELS.values():
        monkeypatch.setattr(attention, "MAX_EXPLICIT_SCORES", short)
        gradients.append(torch.autograd.grad((attend(*parts, mask=mask, causal=causal) * importance).sum(), parts))
    for one, other in zip(*gradients):
        assert torch.allclose(one, other, rtol=0, atol=1e-12)


def test_long_sequences_take_the_fused_kernel_and_short_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    fused = F.scaled_dot_product_attention
    lengths: list[int] = []

    def counted(query: Tensor, *parts: Tensor, **options: object) -> Tensor:
        lengths.append(query.size(-2))
        return fused(query, *parts, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(F, "scaled_dot_product_attention", counted)
    for length in (16, 300):
        query = torch.randn(1, 1, length, D)
        attend(query, query, query, causal=True)
    assert lengths == [300]


def test_a_hidden_key_has_no_influence_however_large(kernel: str) -> None:
    query, key, value = inputs(3, 4)
    mask = torch.tensor([True, True, False, True])
    before = attend(query, key, value, mask=mask)
    key[:, :, 2], value[:, :, 2] = 1e6, -1e6
    assert torch.equal(attend(query, key, value, mask=mask), before)


@given(beams=st.integers(1, 4), length=st.integers(1, 3), seed=st.integers(0, 1000))
def test_beams_over_one_memory_are_beams_over_copies_of_it(beams: int, length: int, seed: int) -> None:
    torch.manual_seed(seed)
    layer = randomise(CrossAttention(tiny_recipe())).double()
    memory = torch.randn(3, 5, 8, dtype=torch.float64)
    mask = padding_mask([5, 2, 4])
    x = torch.randn(3 * beams, length, 8, dtype=torch.float64)
    shared = layer(x, layer.project(memory), mask)
    copied = layer(x, layer.project(memory.repeat_interleave(beams, 0)), mask.repeat_interleave(beams, 0))
    assert torch.allclose(shared, copied, rtol=0, atol=1e-12)
