"""What labels are worth, against a count by hand and against torch's cross-entropy."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import cross_entropy

from seq2seq.decoding.log_probabilities import label_log_probabilities


def test_a_label_has_the_logarithm_of_its_softmax() -> None:
    logits = torch.tensor([[[0.0, math.log(3.0)], [5.0, 5.0]]])
    found = label_log_probabilities(logits, torch.tensor([[1, 0]]))
    assert torch.allclose(found, torch.tensor([[0.75, 0.5]]).log())


def test_it_is_cross_entropy_to_the_last_bit_whatever_the_precision() -> None:
    for kind in (torch.float32, torch.bfloat16):
        logits = torch.randn(3, 5, 70, generator=torch.Generator().manual_seed(1)).to(kind)
        labels = torch.arange(15).view(3, 5)
        losses = cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="none")
        assert torch.equal(-label_log_probabilities(logits, labels).flatten(), losses)
