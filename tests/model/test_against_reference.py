"""The model computes the paper's equations, as tests/reference.py spells them out in loops."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seq2seq.model.blocks import Block
from seq2seq.model.transformer import Transformer
from tests.support import reference
from tests.support.fakes import randomise, tiny_recipe, tiny_transformer


def exact(model: Transformer) -> Transformer:
    """The model in float64, its positions too, whose table is made in float32."""
    model = model.double()
    width = model.positions.table.size(1)
    model.positions.table = torch.tensor([reference.position(t, width) for t in range(16)], dtype=torch.float64)
    return model


def random_graph(queries: int, keys: int, seed: int) -> Tensor:
    """A random bool mask (T, S) in which every query sees at least one key."""
    generator = torch.Generator().manual_seed(seed)
    graph = torch.rand(queries, keys, generator=generator) < 0.4
    graph[torch.arange(queries), torch.randint(keys, (queries,), generator=generator)] = True
    return graph


def seen_in(graph: Tensor) -> reference.Allowed:
    return lambda t, s: bool(graph[t, s])


@pytest.mark.parametrize("tie", ["all", "target", "none"])
@pytest.mark.parametrize("norm", ["post", "pre"])
def test_logits_are_those_of_the_equations(norm: str, tie: str) -> None:
    model = exact(tiny_transformer(norm=norm, tie=tie))
    source, target = [4, 9, 5, 3], [2, 7, 7, 10, 6]
    expected = reference.Transformer(model.state_dict(), n_heads=2, norm=norm).logits(source, target)
    logits = model(torch.tensor([source]), None, torch.tensor([target]))
    assert torch.allclose(logits[0], torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-10)


@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 6))
def test_encode_follows_any_directed_graph(seed: int, length: int) -> None:
    torch.manual_seed(seed)
    model = exact(tiny_transformer())
    oracle = reference.Transformer(model.state_dict(), n_heads=2, norm="post")
    sources = torch.randint(11, (2, length))
    graphs = torch.stack([random_graph(length, length, seed + row) for row in range(2)])
    memory = model.encoder(sources, graphs[:, None])
    for row in range(2):
        expected = oracle.encode(sources[row].tolist(), seen_in(graphs[row]))
        assert torch.allclose(memory[row], torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-10)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("norm", ["post", "pre"])
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 6))
def test_a_block_follows_any_directed_graph(norm: str, causal: bool, seed: int, length: int) -> None:
    torch.manual_seed(seed)
    block = randomise(Block(tiny_recipe(norm=norm), causal=causal)).double()
    x = torch.randn(1, length, 8, dtype=torch.float64)
    graph = random_graph(length, length, seed)
    if causal:
        graph.fill_diagonal_(True)
    oracle = reference.Transformer({f"a.{name}": weight for name, weight in block.state_dict().items()}, 2, norm)
    expected = oracle.block("a.", x[0].tolist(), seen_in(graph.tril() if causal else graph))
    assert torch.allclose(block(x, graph)[0], torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-10)
