"""Log-probabilities of the labels of a batch. Shapes: B rows, T labels."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from seq2seq.data.batches import Batch
from seq2seq.device import Numerics


def token_log_probabilities(model: Any, batch: Batch, numerics: Numerics, temperature: float = 1.0) -> Tensor:
    """The log-probability of each label of a batch at a temperature, (B, T), in float32; 0 where a label does not
    count."""
    moved = batch.to(numerics.device)
    with numerics.context():
        logits: Tensor = model.head(model.hidden(*moved.inputs))
    wide = logits if logits.dtype.itemsize >= 4 else logits.float()
    chosen = (wide / temperature).log_softmax(-1).gather(-1, moved.labels[..., None]).squeeze(-1)
    return chosen if moved.mask is None else chosen * moved.mask
