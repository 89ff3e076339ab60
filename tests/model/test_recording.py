"""The attention that is recorded is the model's own: the same as by hand, and what its output comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seq2seq.model.attention import CrossAttention, SelfAttention, attend, weights
from seq2seq.model.classifier import EncoderClassifier
from seq2seq.model.gpt import Gpt
from seq2seq.model.masked import MaskedEncoder
from seq2seq.model.recording import Recorded, recorded
from seq2seq.model.scored import Scored
from seq2seq.model.stack import CausalEncoder
from seq2seq.model.transformer import Transformer
from tests.support.attention_by_hand import ByHand
from tests.support.fakes import padding_mask, randomise, tiny_gpt, tiny_recipe, tiny_transformer

SOURCE, TARGET = [5, 9, 4, 7, 3], [2, 6, 8, 10]
POSITIONS: list[dict[str, Any]] = [
    {"positions": "sinusoidal"},
    {"positions": "learned", "norm": "pre"},
    {"positions": "rotary"},
    {"positions": "rotary", "norm": "pre", "qk_norm": True},
]


def cases(**changes: Any) -> dict[str, tuple[nn.Module, Any, tuple[Tensor | None, ...]]]:
    """By architecture: a model, the same by hand, and what its forward pass takes."""

    def encoder_decoder(hand: ByHand) -> Any:
        hand.decode(TARGET, hand.encode(SOURCE, "encoder.", "source_embedding.weight", causal=False))

    config = tiny_recipe(**changes)
    source, target = torch.tensor([SOURCE]), torch.tensor([TARGET])
    alone, causal = {"architecture": "encoder-only"}, {"architecture": "decoder-only"}
    return {
        "encoder-decoder": (Transformer(config, 11, 11), encoder_decoder, (source, None, target)),
        "decoder-only": (
            Gpt(tiny_recipe(**causal, **changes), 11),
            lambda hand: hand.encode(SOURCE, "", "embedding.weight", causal=True),
            (source,),
        ),
        "encoder-only": (
            EncoderClassifier(tiny_recipe(**alone, **changes), 11, 3),
            lambda hand: hand.encode(SOURCE, "encoder.", "encoder.embedding.weight", causal=False),
            (source, None),
        ),
        "causal classifier": (
            EncoderClassifier(tiny_recipe(**causal, **changes), 11, 3, CausalEncoder),
            lambda hand: hand.encode(SOURCE, "encoder.", "encoder.embedding.weight", causal=True),
            (source, None),
        ),
        "masked": (
            MaskedEncoder(tiny_recipe(**alone, **changes), 11),
            lambda hand: hand.encode(SOURCE, "encoder.", "encoder.embedding.weight", causal=False),
            (source, None),
        ),
    }


@pytest.mark.parametrize("architecture", cases())
@pytest.mark.parametrize("changes", POSITIONS, ids=str)
def test_it_is_softmax_of_queries_and_keys_from_the_raw_weights(architecture: str, changes: dict[str, Any]) -> None:
    model, by_hand, inputs = cases(**changes)[architecture]
    model = randomise(model.eval(), 0.3)
    hand = ByHand(tiny_recipe(**changes), {name: weight.numpy() for name, weight in model.state_dict().items()})
    by_hand(hand)
    with torch.inference_mode():
        output, record = recorded(model, *inputs)
        assert torch.equal(output, model(*inputs))
    assert len(record) == len(hand.attention)
    ordered = sorted(record, key=lambda each: each.kind != "encoder")
    for found, expected in zip(ordered, hand.attention, strict=True):
        assert np.abs(found.weights[0].double().numpy() - expected).max() < 1e-6


@pytest.mark.parametrize("architecture", cases())
def test_rows_are_distributions_over_what_the_mask_allows(architecture: str) -> None:
    model, _, inputs = cases()[architecture]
    inputs = tuple(None if part is None else torch.cat((part, part.roll(1, 1))) for part in inputs)
    if len(inputs) > 1:
        inputs = (inputs[0], padding_mask([5, 3]), *inputs[2:])
    with torch.inference_mode():
        _, record = recorded(randomise(model.eval()), *inputs)
    for each in record:
        assert each.mask.dtype == torch.bool and each.mask.shape == each.weights.shape
        assert (each.weights[~each.mask] == 0).all() and (each.weights >= 0).all()
        assert (each.weights.sum(-1) - 1).abs().max() < 1e-6
        T, S = each.mask.shape[-2:]
        past = torch.ones(T, S).tril() > 0 if _is_causal(each, architecture) else torch.ones(T, S) > 0
        padded = each.kind != "decoder" and inputs[1:] != ()
        assert torch.equal(each.mask[0, 0], past)
        assert torch.equal(each.mask[1, 0], past & (torch.arange(S) < 3) if padded else past)


def _is_causal(each: Recorded, architecture: str) -> bool:
    return each.kind == "decoder" or architecture == "causal classifier"


def test_any_graph_is_a_mask() -> None:
    """Each position of this one sees itself and one neighbour."""
    model = tiny_transformer()
    ring = torch.eye(5).bool() | torch.eye(5).roll(1, 1).bool()
    with torch.inference_mode():
        _, record = recorded(model.encoder, torch.tensor([SOURCE]), ring)
    assert [each.kind for each in record] == ["encoder", "encoder"]
    for each in record:
        assert torch.equal(each.mask[0, 0], ring) and torch.equal(each.weights[0, 0] > 0, ring)


def test_each_attention_says_which_it_is() -> None:
    source, target = torch.tensor([SOURCE]), torch.tensor([TARGET])
    with torch.inference_mode():
        _, both = recorded(tiny_transformer(encoder_layers=1), source, None, target)
        _, gpt = recorded(tiny_gpt(), source)
        _, valued = recorded(Scored(tiny_gpt(), 8).trunk, source)
    assert [(each.kind, *each.weights.shape) for each in both] == [
        ("encoder", 1, 2, 5, 5),
        *[("decoder", 1, 2, 4, 4), ("cross", 1, 2, 4, 5)] * 2,
    ]
    assert [each.kind for each in gpt] == [each.kind for each in valued] == ["decoder", "decoder"]


def test_the_model_is_left_as_it_was() -> None:
    model = tiny_transformer(positions="rotary")
    inputs = torch.tensor([SOURCE]), None, torch.tensor([TARGET])
    modules, weights = [*model.modules()], {name: weight.clone() for name, weight in model.state_dict().items()}
    with torch.inference_mode():
        before = model(*inputs)
        recorded(model, *inputs)
        after = model(*inputs)
    assert all(one is other for one, other in zip(modules, model.modules(), strict=True))
    assert torch.equal(before, after)
    assert all(torch.equal(weight, weights[name]) for name, weight in model.state_dict().items())


@pytest.mark.parametrize("T", [1, 3, 200])
def test_weights_times_values_are_attention(T: int) -> None:
    """With each of the kernels that `attend` chooses from."""
    query, key, value = (torch.randn(2, 3, length, 4, dtype=torch.float64) for length in (T, 200, 200))
    for causal in (False, True):
        product = weights(query, key, causal=causal) @ value
        assert torch.allclose(product, attend(query, key, value, causal=causal), rtol=0, atol=1e-12)


def test_the_weights_of_a_module_give_its_output() -> None:
    config = tiny_recipe(positions="rotary")
    x, memory = torch.randn(2, 4, 8), torch.randn(2, 5, 8)
    own = randomise(SelfAttention(config, causal=True))
    _, _, value = own.project(x)
    assert torch.allclose(own.output((own.weights(x) @ value).transpose(1, 2).flatten(2)), own(x), atol=1e-6)
    cross = randomise(CrossAttention(config))
    projected, mask = cross.project(memory), padding_mask([5, 2])
    merged = (cross.weights(x, projected, mask) @ projected.value).transpose(1, 2).flatten(2)
    assert torch.allclose(cross.output(merged), cross(x, projected, mask), atol=1e-6)
