"""What an objective measures is what the batch says that counts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from seq2seq.data.batches import Batch
from seq2seq.device import Numerics
from seq2seq.training.objective import CrossEntropy, Measured
from tests.support.fakes import tiny_gpt

CPU = Numerics(torch.device("cpu"), None)


@pytest.mark.parametrize("masked", [False, True])
def test_a_label_counts_where_the_batch_says_so_whatever_its_number(masked: bool) -> None:
    model = tiny_gpt(dropout=0.5)
    tokens, labels = torch.randint(4, 11, (3, 5)), torch.arange(15).view(3, 5) % 3  # 0 is a class
    mask = torch.arange(15).view(3, 5) % 4 > 0 if masked else None
    batch = Batch((tokens,), labels, 15 if mask is None else int(mask.sum()), 15, 15, mask)
    counted = torch.ones_like(labels, dtype=torch.bool) if mask is None else mask
    expected = F.cross_entropy(model(tokens)[counted], labels[counted], reduction="mean").item()
    smoothed = F.cross_entropy(model(tokens)[counted], labels[counted], label_smoothing=0.1, reduction="mean").item()
    objective = CrossEntropy(model, CPU, 0.1)
    objective.begin(1)
    assert model.training
    figures = objective.evaluate(batch.pieces(2))
    assert not model.training
    assert figures == {"loss": pytest.approx(smoothed), "negative_log_likelihood": pytest.approx(expected)}


def test_what_is_measured_in_parts_is_summed_name_by_name() -> None:
    parts = [Measured(torch.tensor(float(n)), {"a": torch.tensor(n), "b": torch.tensor(10.0 * n)}) for n in (1, 2, 3)]
    total = Measured.total(parts)
    assert [total.loss.item(), *map(Tensor.item, total.figures.values())] == [6, 6, 60]
