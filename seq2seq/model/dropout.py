"""Dropout for CPUs, where a Bernoulli number per element would cost more than the matrix products."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_own = threading.local()


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Within the block, dropout on a CPU draws from `generator` in this thread, not from the global one."""
    _own.generator = generator
    try:
        yield
    finally:
        del _own.generator


class Dropout(nn.Module):
    """Zeroes elements with a probability and scales the others to keep the mean (section 5.4).

    On a CPU eight elements share one 64-bit draw, so the probability is rounded to 1/256 (0.1 becomes 26/256) and the
    scale is that of the rounded value.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape."""
        if not self.training or self.probability == 0:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.probability)
        dropped = min(max(round(256 * self.probability), 1), 255)
        generator = getattr(_own, "generator", None)
        draws = torch.empty((x.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None, generator=generator)
        # 1 where a byte is at least `dropped`, else 0: a comparison and a conversion of its result take four times as
        # long.
        kept = draws.view(torch.uint8)[: x.numel()].view(x.shape).clamp_(dropped - 1, dropped).sub_(dropped - 1)
        return x * kept.to(x.dtype).mul_(256 / (256 - dropped))
