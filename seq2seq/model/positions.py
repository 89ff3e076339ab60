"""Positions of tokens: added to their vectors (sinusoids, learned), or rotations of queries and keys."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from seq2seq.recipe import Model as ModelConfig


def sinusoids(length: int, d_model: int) -> Tensor:
    """The table of section 3.5, float32 (length, d_model): sin in even columns, cos in odd ones."""
    angle = np.arange(length)[:, None] / 10000 ** (np.arange(0, d_model, 2) / d_model)
    return torch.from_numpy(
        np.stack((np.sin(angle), np.cos(angle)), axis=-1).reshape(length, d_model).astype(np.float32)
    )


# Positions that a table has at first; it grows for longer sequences, which are rare.
_INITIAL_LENGTH = 8192


class Sinusoidal(nn.Module):
    """Adds the sinusoids of section 3.5; the table grows for a longer sequence."""

    table: Tensor

    def __init__(self, d_model: int, length: int) -> None:
        super().__init__()
        self.register_buffer("table", sinusoids(min(length, _INITIAL_LENGTH), d_model), persistent=False)

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x (B, T, C) whose first position is `start` -> x + table, (B, T, C)."""
        end, table = start + x.size(1), self.table  # another thread may replace it
        if end > table.size(0):
            self.table = table = sinusoids(2 * end, x.size(2)).to(table)
        return x + table[start:end].to(x.dtype)


class Learned(nn.Module):
    """Adds a learned vector per position (as good, by section 3.5); positions past the table get its last vector."""

    def __init__(self, d_model: int, length: int) -> None:
        super().__init__()
        self.table = nn.Embedding(length, d_model)
        nn.init.normal_(self.table.weight, std=0.02)

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x (B, T, C) whose first position is `start` -> x + vectors, (B, T, C)."""
        places = torch.arange(start, start + x.size(1), device=x.device)
        return x + self.table(places.clamp_(max=self.table.num_embeddings - 1))  # type: ignore[no-any-return]


class NoPositions(nn.Module):
    """The identity: rotary positions are applied inside attention."""

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x -> x."""
        return x


class Rotary(nn.Module):
    """Rotates queries and keys by angles proportional to their positions: scores depend on relative positions alone.

    Su et al., 2021 ("RoFormer"), with the two halves of a head as the two coordinates of each plane.
    """

    table: Tensor

    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        self.register_buffer("table", _rotations(min(length, _INITIAL_LENGTH), width), persistent=False)

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x (B, T, ..., D) whose first position is `start` -> the same shape."""
        end, table = start + x.size(1), self.table
        if end > table.size(1):
            with torch.inference_mode(False):  # a tensor created in that mode cannot be used in training later
                self.table = table = _rotations(2 * end, x.size(-1)).to(table)
        if x.size(1) == 1:
            cosine, sine = table.select(1, start).to(x.dtype).unbind()
        else:
            shape = (x.size(1), *(1 for _ in x.shape[2:-1]), x.size(-1))
            cosine, sine = table[:, start:end].to(x.dtype).view(2, *shape)
        return torch.addcmul(x * cosine, x.roll(x.size(-1) // 2, -1), sine)


def _rotations(length: int, width: int) -> Tensor:
    """Cosines, and sines with the sign that each half takes, float32 (2, length, width)."""
    angle = np.arange(length)[:, None] / 10000 ** (np.arange(0, width, 2) / width)
    cosine, sine = np.cos(angle), np.sin(angle)
    return torch.from_numpy(np.stack((np.hstack((cosine, cosine)), np.hstack((-sine, sine)))).astype(np.float32))


def added_positions(config: ModelConfig, length: int) -> nn.Module:
    """The module that adds a recipe's positions to token vectors, for sequences of up to `length` tokens."""
    match config.positions:
        case "sinusoidal":
            return Sinusoidal(config.d_model, length)
        case "learned":
            return Learned(config.d_model, length)
        case "rotary":
            return NoPositions()
