"""What must hold whatever the weights: causality, indifference to padding and to company in the batch, sizes, tying."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from seq2seq import recipe
from seq2seq.model.blocks import Block
from seq2seq.model.embedding import Embedding
from seq2seq.model.transformer import Transformer
from tests.support.fakes import padding_mask, randomise, tiny_recipe, tiny_transformer


def close(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=0, atol=1e-10)


@given(changed=st.integers(0, 6), seed=st.integers(0, 1000))
def test_a_target_token_changes_no_earlier_logits(changed: int, seed: int) -> None:
    torch.manual_seed(seed)
    model = tiny_transformer().double()
    source, target = torch.randint(11, (2, 5)), torch.randint(11, (2, 7))
    before = model(source, None, target)
    target[:, changed] = (target[:, changed] + 1) % 11
    after = model(source, None, target)
    assert torch.equal(before[:, :changed], after[:, :changed])
    assert not close(before[:, changed], after[:, changed])


@pytest.mark.parametrize("norm", ["post", "pre"])
@given(changed=st.integers(0, 5))
def test_a_causal_block_sees_no_later_position(norm: str, changed: int) -> None:
    block = randomise(Block(tiny_recipe(norm=norm), causal=True)).double()
    x = torch.randn(2, 6, 8, dtype=torch.float64)
    before = block(x)
    x[:, changed] = torch.randn(2, 8, dtype=torch.float64)
    after = block(x)
    assert torch.equal(before[:, :changed], after[:, :changed])
    assert (before[:, changed:] != after[:, changed:]).any(-1).all()


@pytest.mark.parametrize("norm", ["post", "pre"])
@given(lengths=st.lists(st.tuples(st.integers(1, 7), st.integers(1, 7)), min_size=2, max_size=4))
def test_a_padded_batch_is_each_of_its_sentences_alone(norm: str, lengths: list[tuple[int, int]]) -> None:
    model = tiny_transformer(norm=norm).double()
    longest_source, longest_target = (max(side) for side in zip(*lengths))
    source, target = (
        torch.randint(11, (len(lengths), longest_source)),
        torch.randint(11, (len(lengths), longest_target)),
    )
    together = model(source, padding_mask([length for length, _ in lengths]), target)
    for row, (S, T) in enumerate(lengths):
        alone = model(source[row : row + 1, :S], None, target[row : row + 1, :T])
        assert close(together[row, :T], alone[0])


def test_what_the_padding_holds_does_not_matter() -> None:
    model = tiny_transformer().double()
    source, target, mask = torch.randint(11, (2, 6)), torch.randint(11, (2, 4)), padding_mask([6, 3])
    before = model(source, mask, target)
    source[1, 3:] = (source[1, 3:] + 5) % 11
    assert torch.equal(model(source, mask, target), before)


def test_every_source_token_reaches_every_logit() -> None:
    model = tiny_transformer().double()
    target = torch.randint(11, (1, 4))
    source = torch.randint(11, (1, 5))
    before = model(source, None, target)
    for place in range(5):
        changed = source.clone()
        changed[0, place] = (changed[0, place] + 1) % 11
        assert ((model(changed, None, target) - before).abs().amax(-1) > 1e-8).all()


def test_bfloat16_products_stay_close_to_float32() -> None:
    model = tiny_transformer(d_model=32, d_ff=64, deviation=0.15)
    source, target, mask = torch.randint(11, (4, 9)), torch.randint(11, (4, 8)), padding_mask([9, 7, 4, 1])
    exact = model(source, mask, target)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = model(source, mask, target)
    assert rounded.dtype == torch.bfloat16
    difference = (rounded.float() - exact).norm() / exact.norm()
    assert 0 < difference < 0.02


def _parameters_by_hand(d_model: int, d_ff: int, layers: int, vocabulary: int) -> int:
    attention = 4 * (d_model * d_model + d_model)  # query, key, value, output, each with a bias
    feed_forward = d_model * d_ff + d_ff + d_ff * d_model + d_model
    norm = 2 * d_model
    encoder_layer = attention + feed_forward + 2 * norm
    decoder_layer = 2 * attention + feed_forward + 3 * norm
    return layers * (encoder_layer + decoder_layer) + vocabulary * d_model


@pytest.mark.parametrize(
    ("d_model", "d_ff", "n_heads", "counted"),
    [(512, 2048, 8, 63_082_496), (1024, 4096, 16, 214_245_376)],
    ids=["base", "big"],
)
def test_the_papers_models_have_its_number_of_parameters(d_model: int, d_ff: int, n_heads: int, counted: int) -> None:
    assert _parameters_by_hand(d_model, d_ff, 6, 37_000) == counted  # table 3: 65 and 213 million
    sizes = recipe.Model.model_validate({"d_model": d_model, "d_ff": d_ff, "n_heads": n_heads})
    with torch.device("meta"):
        model = Transformer(sizes, 37_000, 37_000)
    assert sum(weight.numel() for weight in model.parameters()) == counted


def test_the_default_is_the_papers_base_model() -> None:
    base = {"d_model": 512, "d_ff": 2048, "n_heads": 8, "encoder_layers": 6, "decoder_layers": 6, "dropout": 0.1}
    assert recipe.Model.model_validate({}) == recipe.Model.model_validate({**base, "norm": "post", "tie": "all"})


def test_tying_makes_matrices_one() -> None:
    matrices = {
        tie: [
            matrix.data_ptr()
            for model in [Transformer(tiny_recipe(tie=tie), 9, 9)]
            for matrix in (model.source_embedding.weight, model.target_embedding.weight, model.head.weight)
        ]
        for tie in ("all", "target", "none")
    }
    assert len(set(matrices["all"])) == 1
    source, target, head = matrices["target"]
    assert source != target == head
    assert len(set(matrices["none"])) == 3


@pytest.mark.parametrize("tie", ["all", "none"])
def test_gradient_norms_are_summed_in_the_order_of_embeddings_layers_norms_and_head(tie: str) -> None:
    model = Transformer(tiny_recipe(tie=tie, norm="pre", positions="learned"), 9, 9)
    sources, heads = (["source_embedding"], ["head"]) if tie == "none" else ([], [])
    layers = ["encoder.blocks", "decoder.blocks", "encoder.norm", "decoder.norm"]
    expected = ["target_embedding", *sources, "positions", *layers, *heads]
    names = [name for name, _ in model.named_parameters()]
    assert list(dict.fromkeys(next(part for part in expected if name.startswith(part)) for name in names)) == expected
    assert [id(weight) for _, weight in model.named_parameters()] == [id(weight) for weight in model.parameters()]
    assert [name for name, _ in model.named_parameters("a")] == [f"a.{name}" for name in names]


@pytest.mark.parametrize("tie", ["all", "none"])
def test_the_matrices_of_the_layers_are_all_but_embeddings_positions_and_head(tie: str) -> None:
    model = Transformer(tiny_recipe(tie=tie, norm="pre", positions="learned"), 9, 9)
    outside = ("target_embedding", "source_embedding", "positions", "head")
    named = model.named_parameters()
    expected = [weight for name, weight in named if weight.dim() == 2 and not name.startswith(outside)]
    assert [id(matrix) for matrix in model.matrices()] == [id(matrix) for matrix in expected]


def test_untied_vocabularies_may_differ_in_size() -> None:
    model = Transformer(tiny_recipe(tie="target"), 7, 13)
    assert (model.source_embedding.num_embeddings, model.head.out_features) == (7, 13)
    assert model(torch.full((1, 2), 6), None, torch.full((1, 3), 12)).shape == (1, 3, 13)


def test_token_vectors_are_scaled_by_the_root_of_the_width() -> None:
    embedding = Embedding(1000, 64)
    tokens = torch.arange(1000)[None]
    assert torch.allclose(embedding(tokens)[0], math.sqrt(64) * embedding.weight)
    assert embedding(tokens).std().item() == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("tie", ["all", "none"])
def test_a_fresh_model_knows_nothing(norm: str, tie: str) -> None:
    model = Transformer(tiny_recipe(d_model=64, d_ff=128, n_heads=4, norm=norm, tie=tie), 1000, 1000)
    source, target, labels = (torch.randint(1000, (8, 12)) for _ in range(3))
    loss = F.cross_entropy(model(source, None, target).flatten(0, 1), labels.flatten()).item()
    assert loss == pytest.approx(math.log(1000), abs=1.0)
