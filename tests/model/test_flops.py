"""FLOPs that a model needs for a batch, beside what torch counts; and where decoding begins in a batch."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from seq2seq import recipe
from seq2seq.model import flops
from seq2seq.model.gpt import Gpt
from seq2seq.model.transformer import Transformer
from tests.support.fakes import tiny_recipe

CONFIG = tiny_recipe()
GPT = tiny_recipe(architecture="decoder-only")


def tokens(rows: int, length: int) -> torch.Tensor:
    return torch.randint(4, 11, (rows, length))


def hidden_by_the_mask(config: recipe.Model, length: int) -> int:
    """FLOPs of causal self-attention that are computed and then masked, of one row."""
    return config.decoder_layers * config.d_model * (4 * length * length - 2 * length * (length + 1))


def test_the_flops_of_a_gpt_are_what_torch_counts_less_what_the_mask_hides() -> None:
    model, batch = Gpt(GPT, 11), tokens(3, 6)
    with FlopCounterMode(display=False) as counter:
        model(batch)
    needed = model.forward_flops(batch, counted=torch.ones(3, 6, dtype=torch.bool))
    assert needed == counter.get_total_flops() - 3 * hidden_by_the_mask(GPT, 6)


def test_the_flops_of_a_transformer_are_what_torch_counts_less_what_the_mask_hides() -> None:
    model, source, target = Transformer(CONFIG, 11, 11), tokens(2, 7), tokens(2, 5)
    with FlopCounterMode(display=False) as counter:
        model(source, None, target)
    needed = model.forward_flops(source, None, target, counted=torch.ones(2, 5, dtype=torch.bool))
    assert needed == counter.get_total_flops() - 2 * hidden_by_the_mask(CONFIG, 5)


def test_padding_is_no_work() -> None:
    model, source, target = Transformer(CONFIG, 11, 11), tokens(2, 7), tokens(2, 5)
    mask, counted = torch.ones(2, 1, 1, 7, dtype=torch.bool), torch.ones(2, 5, dtype=torch.bool)
    mask[0, ..., 3:] = False
    counted[1, 2:] = False
    one = model.forward_flops(source[:1, :3], None, target[:1], counted=counted[:1])
    other = model.forward_flops(source[1:], None, target[1:, :2], counted=counted[1:, :2])
    assert model.forward_flops(source, mask, target, counted=counted) == one + other


def test_a_row_is_needed_up_to_its_last_label_and_the_head_for_labels_alone() -> None:
    model, batch = Gpt(GPT, 11), tokens(1, 6)
    counted = torch.tensor([[False, False, True, True, False, False]])
    assert flops.lengths(counted).tolist() == [4]
    whole = model.forward_flops(batch[:, :4], counted=torch.ones(1, 4, dtype=torch.bool))
    assert model.forward_flops(batch, counted=counted) == whole - 2 * 2 * model.head.weight.numel()


@pytest.mark.parametrize("architecture", ["encoder-decoder", "decoder-only"])
def test_decoding_begins_where_the_tokens_that_follow_say(architecture: str) -> None:
    if architecture == "decoder-only":
        model: Gpt | Transformer = Gpt(GPT, 11).eval()
        inputs, first = (tokens(2, 6),), 3
    else:
        model = Transformer(CONFIG, 11, 11).eval()
        inputs, first = (tokens(2, 7), None, tokens(2, 5)), 0  # type: ignore[assignment]
    with torch.no_grad():
        state, following = model.begin_decoding(*inputs)
        assert torch.equal(following, inputs[-1][:, first:])
        assert torch.allclose(model.step(following, state), model(*inputs)[:, first:], atol=1e-5)
