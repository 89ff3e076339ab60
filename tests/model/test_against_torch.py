"""The stacks are those of torch.nn.Transformer: same weights, same logits, same gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq.model import attention
from seq2seq.model.attention import CrossAttention, SelfAttention
from seq2seq.model.blocks import CrossBlock, Residual
from seq2seq.model.components import FeedForward
from seq2seq.model.transformer import Transformer
from tests.support.fakes import padding_mask, randomise, tiny_transformer

Pair = tuple[list[Tensor], Tensor]  # our weights, one under the other, and the one of torch that they make up


class TorchStacks(nn.Module):
    """torch.nn's encoder and decoder; post-norm stacks, as the paper's, end without a norm of their own."""

    def __init__(self, ours: Transformer, d_model: int, d_ff: int, n_heads: int, norm: str) -> None:
        super().__init__()
        pre = norm == "pre"
        sizes = (d_model, n_heads, d_ff, 0.0, "relu")
        encoder_layer = nn.TransformerEncoderLayer(*sizes, batch_first=True, norm_first=pre)
        decoder_layer = nn.TransformerDecoderLayer(*sizes, batch_first=True, norm_first=pre)
        encoder_norm, decoder_norm = (nn.LayerNorm(d_model) if pre else None for _ in range(2))
        self.encoder = nn.TransformerEncoder(
            encoder_layer, len(ours.encoder.layers()), encoder_norm, enable_nested_tensor=False
        )
        self.decoder = nn.TransformerDecoder(decoder_layer, len(ours.decoder.layers()), decoder_norm)
        self.embedding = nn.Parameter(ours.target_embedding.weight.detach().clone())
        self.positions = ours.positions.table

    def forward(self, source: Tensor, hidden: Tensor, target: Tensor) -> Tensor:
        """`hidden` (B, S): True = may not be attended to, torch.nn's convention."""
        future = torch.ones(target.size(1), target.size(1), dtype=torch.bool).triu(1)
        memory = self.encoder(self._embed(source), src_key_padding_mask=hidden)
        states = self.decoder(self._embed(target), memory, tgt_mask=future, memory_key_padding_mask=hidden)
        return F.linear(states, self.embedding)

    def _embed(self, tokens: Tensor) -> Tensor:
        vectors = F.embedding(tokens, self.embedding)
        return vectors * math.sqrt(vectors.size(-1)) + self.positions[: tokens.size(1)]


def correspondence(ours: Transformer, theirs: TorchStacks) -> Iterator[Pair]:
    """Which of our weights are which of theirs, all of both."""
    yield [ours.target_embedding.weight], theirs.embedding
    for block, layer in zip(ours.layers(), [*theirs.encoder.layers, *theirs.decoder.layers], strict=True):
        residuals = [block.attention_residual, block.feed_forward_residual]
        yield from _self_attention(block.attention, layer.self_attn)
        assert isinstance(block.feed_forward, FeedForward)
        yield from _feed_forward(block.feed_forward, layer)
        if isinstance(block, CrossBlock):
            residuals.insert(1, block.cross_attention_residual)
            yield from _cross_attention(block.cross_attention, layer.multihead_attn)
        for number, residual in enumerate(residuals, start=1):
            assert isinstance(residual, Residual)
            yield from _both(residual.norm, getattr(layer, f"norm{number}"))
    if isinstance(ours.encoder.norm, nn.LayerNorm):
        yield from _both(ours.encoder.norm, theirs.encoder.norm)
        yield from _both(ours.decoder.norm, theirs.decoder.norm)


def _self_attention(ours: SelfAttention, theirs: nn.MultiheadAttention) -> Iterator[Pair]:
    yield [ours.query_key_value.weight], theirs.in_proj_weight
    yield [ours.query_key_value.bias], theirs.in_proj_bias
    yield from _both(ours.output, theirs.out_proj)


def _cross_attention(ours: CrossAttention, theirs: nn.MultiheadAttention) -> Iterator[Pair]:
    yield [ours.query.weight, ours.key_value.weight], theirs.in_proj_weight
    yield [ours.query.bias, ours.key_value.bias], theirs.in_proj_bias
    yield from _both(ours.output, theirs.out_proj)


def _feed_forward(ours: FeedForward, theirs: nn.Module) -> Iterator[Pair]:
    yield from _both(ours.inner, theirs.linear1)
    yield from _both(ours.outer, theirs.linear2)


def _both(ours: nn.Module, theirs: object) -> Iterator[Pair]:
    assert isinstance(theirs, nn.Module)
    yield from zip(([weight] for weight in ours.parameters()), theirs.parameters(), strict=True)


@pytest.mark.parametrize("kernel", ["products", "scaled_dot_product_attention"])
@pytest.mark.parametrize("norm", ["post", "pre"])
def test_same_weights_give_the_logits_and_gradients_of_torch(
    norm: str, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kernel == "scaled_dot_product_attention":
        monkeypatch.setattr(attention, "MAX_EXPLICIT_SCORES", 0)
    ours = tiny_transformer(vocabulary=13, d_model=16, d_ff=24, n_heads=4, norm=norm).double().train()
    theirs = randomise(TorchStacks(ours, 16, 24, 4, norm).double())
    pairs = list(correspondence(ours, theirs))
    with torch.no_grad():
        for mine, other in pairs:
            other.copy_(torch.cat(mine))
    mapped = {id(weight) for mine, _ in pairs for weight in mine}
    assert mapped == {id(weight) for weight in ours.parameters()}
    assert {id(other) for _, other in pairs} == {id(weight) for weight in theirs.parameters()}

    source, target = torch.randint(13, (3, 7)), torch.randint(13, (3, 5))
    mask = padding_mask([7, 4, 1])
    expected = theirs(source, ~mask[:, 0, 0], target)
    logits = ours(source, mask, target)
    assert torch.allclose(logits, expected, rtol=0, atol=1e-10)

    importance = torch.randn(logits.shape, dtype=torch.float64)
    (logits * importance).sum().backward()
    (expected * importance).sum().backward()
    for mine, other in pairs:
        gradient = torch.cat([_gradient(weight) for weight in mine])
        assert torch.allclose(gradient, _gradient(other), rtol=1e-10, atol=1e-10)


def _gradient(weight: Tensor) -> Tensor:
    assert weight.grad is not None
    return weight.grad
