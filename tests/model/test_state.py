"""Decoding step by step, with a cache, is decoding at once; rows of the state go where they are sent."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.model.blocks import Block
from seq2seq.model.state import Cache, History
from tests.support.fakes import padding_mask, randomise, tiny_recipe, tiny_transformer

SPLITS = st.lists(st.integers(1, 4), min_size=1, max_size=5)  # positions taken at each step


@pytest.mark.parametrize("norm", ["post", "pre"])
@given(split=SPLITS)
def test_any_split_into_steps_gives_the_logits_of_one_pass(norm: str, split: list[int]) -> None:
    model = tiny_transformer(norm=norm).double()
    source, target, mask = torch.randint(11, (3, 6)), torch.randint(11, (3, sum(split))), padding_mask([6, 2, 4])
    state = model.start(source, mask)
    stepped = torch.cat([model.step(tokens, state) for tokens in torch.split(target, split, dim=1)], dim=1)
    assert torch.allclose(stepped, model(source, mask, target), rtol=0, atol=1e-10)
    assert state.length == sum(split)


@pytest.mark.parametrize("norm", ["post", "pre"])
@given(split=SPLITS, graph=st.booleans())
def test_a_causal_block_with_a_cache_is_a_decoder_only_layer(norm: str, split: list[int], graph: bool) -> None:
    block = randomise(Block(tiny_recipe(norm=norm), causal=True)).double()
    T = sum(split)
    x = torch.randn(2, T, 8, dtype=torch.float64)
    mask = (torch.rand(2, 1, T, T) < 0.5) | torch.eye(T, dtype=torch.bool) if graph else None
    cache = Cache()
    parts = []
    for end, count in zip(itertools.accumulate(split), split):
        rows = slice(end - count, end)
        parts.append(block(x[:, rows], None if mask is None else mask[:, :, rows, :end], cache))
    assert torch.allclose(torch.cat(parts, dim=1), block(x, mask), rtol=0, atol=1e-10)


def test_beams_take_steps_over_the_memory_of_their_sentence() -> None:
    model = tiny_transformer().double()
    source, mask, target = torch.randint(11, (2, 5)), padding_mask([5, 3]), torch.randint(11, (6, 4))
    state = model.start(source, mask)
    state.reorder(torch.arange(2).repeat_interleave(3))
    stepped = torch.cat([model.step(token, state) for token in torch.split(target, 1, dim=1)], dim=1)
    copies = torch.arange(2).repeat_interleave(3)
    assert torch.allclose(stepped, model(source[copies], mask[copies], target), rtol=0, atol=1e-10)
    assert all(memory.key.size(0) == 2 for memory in state.memories)


@given(
    kept=st.lists(st.integers(0, 2), min_size=1, max_size=3),  # sentences that stay, in a new order
    picks=st.lists(st.integers(0, 1), min_size=3, max_size=3),  # beams that go on in each of them
)
def test_reordered_rows_go_on_from_their_own_past(kept: list[int], picks: list[int]) -> None:
    model = tiny_transformer().double()
    source, mask, past = torch.randint(11, (3, 5)), padding_mask([5, 3, 4]), torch.randint(11, (6, 3))
    state = model.start(source, mask)
    state.reorder(torch.arange(3).repeat_interleave(2))
    model.step(past, state)

    rows = torch.tensor([2 * sentence + beam for sentence in kept for beam in picks])
    state.reorder(rows, torch.tensor(kept))
    following = torch.randint(11, (len(rows), 2))
    expected = model(source[rows // 2], mask[rows // 2], torch.cat((past[rows], following), dim=1))
    assert torch.allclose(model.step(following, state), expected[:, 3:], rtol=0, atol=1e-10)


@given(
    steps=st.lists(st.tuples(st.integers(1, 9), st.lists(st.integers(0, 2), min_size=3, max_size=3)), max_size=6),
    chosen=st.booleans(),
)
def test_a_cache_holds_what_was_added_in_the_order_of_its_rows(
    steps: list[tuple[int, list[int]]], chosen: bool
) -> None:
    cache = Cache()
    keys = values = torch.empty(3, 2, 0, 4)
    for count, rows in steps:
        key, value = torch.randn(2, 3, 2, count, 4)
        held = cache.append(key, value)
        keys, values = torch.cat((keys, key), dim=2), torch.cat((values, value), dim=2)
        assert torch.equal(held.key, keys) and torch.equal(held.value, values)
        assert cache.length == keys.size(2)
        if chosen:
            cache.select(torch.tensor(rows))
            keys, values = keys[rows], values[rows]


def test_rows_that_were_not_chosen_leave_the_cache() -> None:
    cache = Cache()
    cache.append(torch.randn(4, 1, 3, 2), torch.randn(4, 1, 3, 2))
    cache.select(torch.tensor([3, 1]))
    assert cache.append(torch.randn(2, 1, 1, 2), torch.randn(2, 1, 1, 2)).key.shape == (2, 1, 4, 2)


def test_a_history_gives_the_newest_tokens_of_its_rows() -> None:
    history = History()
    for token in range(6):
        history.append(torch.tensor([[token], [10 + token]]))
    assert history.newest(4).tolist() == [[2, 3, 4, 5], [12, 13, 14, 15]]
    history.append(torch.tensor([[6], [16]]))
    history.select(torch.tensor([1]))
    assert history.newest(9).tolist() == [[12, 13, 14, 15, 16]]
