"""Where a token stands in its sequence."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


def sinusoids(length: int, d_model: int) -> Tensor:
    """The table of section 3.5, float32 (length, d_model): sin in even columns, cos in odd ones."""
    angle = np.arange(length)[:, None] / 10000 ** (np.arange(0, d_model, 2) / d_model)
    return torch.from_numpy(
        np.stack((np.sin(angle), np.cos(angle)), axis=-1).reshape(length, d_model).astype(np.float32)
    )


class Sinusoidal(nn.Module):
    """Adds the sinusoids of section 3.5; the table grows where a sequence is longer than foreseen."""

    table: Tensor

    def __init__(self, d_model: int, length: int) -> None:
        super().__init__()
        self.register_buffer("table", sinusoids(length, d_model), persistent=False)

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x (B, T, C) whose first position is `start` -> x + table, (B, T, C)."""
        end = start + x.size(1)
        if end > self.table.size(0):
            self.table = sinusoids(2 * end, x.size(2)).to(self.table)
        return x + self.table[start:end].to(x.dtype)
