"""Heads on stacks that stand alone: a classifier is an encoder and a head, a reward model a GPT's states and a head."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from seq2seq.model.embedding import Embedding
from seq2seq.model.heads import ClassHead, ScalarHead, VocabularyHead
from seq2seq.model.positions import added_positions
from seq2seq.model.stack import Encoder
from tests.support.fakes import padding_mask, randomise, tiny_gpt, tiny_recipe, tiny_transformer


def encoder(**changes: str) -> Encoder:
    config = tiny_recipe(**changes)
    return Encoder(config, Embedding(11, config.d_model), added_positions(config, 16))


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_an_encoder_alone_is_that_of_a_transformer(norm: str) -> None:
    transformer, alone = tiny_transformer(norm=norm), encoder(norm=norm)
    alone.load_state_dict(transformer.encoder.state_dict())
    source, mask = torch.randint(11, (3, 6)), padding_mask([6, 4, 1])
    assert torch.equal(alone.eval()(source, mask), transformer.encoder(source, mask))


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_the_classes_of_a_padded_sequence_are_those_of_it_alone(norm: str) -> None:
    stack, head = randomise(encoder(norm=norm)).double(), randomise(ClassHead(8, 3)).double()
    source, lengths = torch.randint(11, (3, 6)), [6, 4, 1]
    mask = padding_mask(lengths)
    together = head(stack(source, mask), mask)
    assert together.shape == (3, 3)
    for row, length in enumerate(lengths):
        alone = head(stack(source[row : row + 1, :length]))
        assert torch.allclose(together[row], alone[0], rtol=0, atol=1e-10)


def test_a_classifier_learns() -> None:
    torch.manual_seed(1)
    model = nn.ModuleDict({"encoder": encoder(norm="pre"), "head": ClassHead(8, 2)})
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    source = torch.randint(11, (64, 5))
    classes = (source == 3).any(1).long()
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.cross_entropy(model["head"](model["encoder"](source)), classes)
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.2


def test_a_scalar_head_gives_a_number_per_position() -> None:
    gpt, head = tiny_gpt(), randomise(ScalarHead(8))
    states = gpt.hidden(torch.randint(11, (2, 5)))
    values = head(states)
    assert values.shape == (2, 5)
    assert torch.allclose(values[1, 3], states[1, 3] @ head.weight[0] + head.bias[0])


@pytest.mark.parametrize("tied", [True, False])
def test_a_vocabulary_head_has_the_matrix_of_the_embedding_where_it_is_tied(tied: bool) -> None:
    embedding = Embedding(11, 8)
    head = VocabularyHead(embedding, tied=tied)
    assert head.bias is None and (head.weight is embedding.weight) == tied
    states = torch.randn(2, 3, 8)
    assert torch.allclose(head(states), states @ head.weight.T)
