"""An encoder with a class head."""

from __future__ import annotations

import pytest
import torch

from seq2seq.data.labelled_batches import RowCollator
from seq2seq.device import Numerics
from seq2seq.model.classifier import EncoderClassifier
from seq2seq.model.stack import CausalEncoder, Encoder
from seq2seq.recipe import Model
from seq2seq.training.objective import ClassCrossEntropy
from tests.support.fakes import randomise

CPU = Numerics(torch.device("cpu"), None)
ROWS = [[4, 5, 6, 7, 8], [9, 4], [5, 5, 5]]


def model(pooling: str = "mean", encoder: type[Encoder] = Encoder) -> EncoderClassifier:
    sizes = {"d_model": 8, "d_ff": 12, "n_heads": 2, "encoder_layers": 2, "decoder_layers": 2, "max_length": 16}
    config = Model.model_validate({**sizes, "pooling": pooling, "dropout": 0.0})
    return EncoderClassifier(config, 12, 3, encoder)


@pytest.mark.parametrize("kind", [("mean", Encoder), ("first", Encoder), ("mean", CausalEncoder)])
def test_a_row_is_classified_alike_alone_and_beside_longer_ones(kind: tuple[str, type[Encoder]]) -> None:
    classifier, layout = randomise(model(*kind)).double().eval(), RowCollator(16, first=kind[0] == "first")
    together = classifier(*layout.collate([layout.row([row]) for row in ROWS], [0] * 3).inputs)
    alone = torch.cat([classifier(*layout.collate([layout.row([row])], [0]).inputs) for row in ROWS])
    torch.testing.assert_close(together, alone)
    assert not torch.allclose(together[0], together[1])


def test_a_causal_one_has_states_that_later_tokens_do_not_change() -> None:
    causal, other = (randomise(model("mean", kind)).double().eval() for kind in (CausalEncoder, Encoder))
    longer, shorter = torch.tensor([[4, 5, 6, 7]]), torch.tensor([[4, 5, 6]])
    torch.testing.assert_close(causal.hidden(longer)[:, :3], causal.hidden(shorter))
    assert not torch.allclose(other.hidden(longer)[:, :3], other.hidden(shorter))


def test_the_order_of_the_words_matters() -> None:
    classifier, layout = randomise(model()).double().eval(), RowCollator(16, first=False)
    one, other = (classifier(*layout.collate([row], [0]).inputs) for row in ([4, 5, 6], [6, 5, 4]))
    assert not torch.allclose(one, other)


def test_at_first_every_class_is_equally_probable() -> None:
    logits = model()(*RowCollator(16, first=False).collate(ROWS, [0] * 3).inputs)
    assert torch.equal(logits, torch.zeros(3, 3))


def test_the_loss_is_that_of_torch_with_smoothing_and_weights() -> None:
    classifier = randomise(model()).eval()
    batch = RowCollator(16, first=False).collate(ROWS, [2, 0, 1])
    logits, weights = classifier(*batch.inputs), torch.tensor([0.5, 1.0, 3.0])
    plain = torch.nn.functional.cross_entropy(logits, batch.labels, reduction="sum")
    measured = ClassCrossEntropy(classifier, CPU, 0.0)(batch, 0)
    torch.testing.assert_close(measured.loss, plain)
    smoothed = torch.nn.functional.cross_entropy(logits, batch.labels, reduction="none", label_smoothing=0.2)
    measured = ClassCrossEntropy(classifier, CPU, 0.2, weights)(batch, 0)
    torch.testing.assert_close(measured.loss, (smoothed * weights[batch.labels]).sum())
    torch.testing.assert_close(measured.figures["negative_log_likelihood"], plain)
    pieces = [ClassCrossEntropy(classifier, CPU, 0.2, weights)(piece, 0).loss for piece in batch.pieces(3)]
    torch.testing.assert_close(torch.stack(pieces).sum(), measured.loss)
    nobody = batch.share(5, 6)  # a row of which no label counts
    assert ClassCrossEntropy(classifier, CPU, 0.2, weights)(nobody, 0).loss == 0


@pytest.mark.parametrize("encoder", [Encoder, CausalEncoder])
def test_flops_are_those_of_the_matrices_and_attention(encoder: type[Encoder]) -> None:
    classifier = model("mean", encoder)
    batch = RowCollator(16, first=False).collate([[4] * 3, [4] * 5], [0, 0])
    S, weights = [4, 6], sum(matrix.numel() for matrix in classifier.matrices())
    seen = sum(length * (length + 1) / 2 if encoder is CausalEncoder else length**2 for length in S)
    attention = 2 * 4 * 8 * seen
    expected = 2 * sum(S) * weights + attention + 2 * 2 * classifier.head.weight.numel()
    tokens, mask = batch.inputs
    assert tokens is not None
    assert classifier.forward_flops(tokens, mask, counted=torch.ones(2, dtype=torch.bool)) == expected
