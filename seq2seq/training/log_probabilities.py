"""Log-probabilities of the labels of a batch, and other measures of them. Shapes: B rows, T labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from seq2seq.data.batches import Batch
from seq2seq.device import Numerics

_PLACES = 1024  # of rows computed together, padding included


def by_length(measure: Callable[[Batch], Tensor], batch: Batch, places: int = _PLACES) -> Tensor:
    """What a function says of each label of a batch, (B, T), computed of rows of similar length at a time: among
    completions most are short, and padding them to the longest would be most of the work. 0 at the labels left out,
    which do not count."""
    if batch.mask is None:
        return measure(batch)
    pieces = batch.by_length(places)
    columns = batch.labels.size(1)
    parts = [torch.nn.functional.pad(part, (0, columns - part.size(1))) for part in (measure(b) for _, b in pieces)]
    return torch.cat(parts)[torch.cat([rows for rows, _ in pieces]).argsort()]


def token_log_probabilities(model: Any, batch: Batch, numerics: Numerics, temperature: float = 1.0) -> Tensor:
    """The log-probability of each label of a batch at a temperature, (B, T), in float32; 0 where a label does not
    count."""
    moved = batch.to(numerics.device)
    with numerics.context():
        logits: Tensor = model.head(model.hidden(*moved.inputs))
    wide = logits if logits.dtype.itemsize >= 4 else logits.float()
    chosen = (wide / temperature).log_softmax(-1).gather(-1, moved.labels[..., None]).squeeze(-1)
    return chosen if moved.mask is None else chosen * moved.mask
