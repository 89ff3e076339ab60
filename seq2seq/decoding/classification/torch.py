"""The probabilities of classes, by PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seq2seq.data.batches import pad_sources
from seq2seq.device import Numerics

Logits = Callable[[Tensor, Tensor | None], Tensor]  # tokens (B, S), mask (B, 1, 1, S) or None -> (B, K)


class TorchEngine:
    """A model of classes on the device of `numerics`."""

    def __init__(self, model: Logits, numerics: Numerics) -> None:
        self._model = model
        self._numerics = numerics

    def probabilities(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """See `Engine`."""
        tokens, mask, _ = pad_sources(rows)
        device = self._numerics.device
        with torch.inference_mode(), self._numerics.context():
            logits = self._model(tokens.to(device), None if mask is None else mask.to(device))
            probabilities: NDArray[np.float32] = logits.float().softmax(-1).cpu().numpy()
        return probabilities
