"""Torch as tests find it: one thread, and random numbers that Hypothesis starts anew."""

from __future__ import annotations

import torch
from hypothesis import register_random
from torch import Tensor


class _TorchRandom:
    """Torch's generator as Hypothesis wants it, so that each example starts from the same one and failures repeat."""

    def seed(self, number: int) -> None:
        torch.manual_seed(number)

    def getstate(self) -> Tensor:
        return torch.get_rng_state()

    def setstate(self, state: Tensor) -> None:
        torch.set_rng_state(state)


_TORCH_RANDOM = _TorchRandom()  # Hypothesis keeps no reference of its own


def apply() -> None:
    torch.set_num_threads(1)
    register_random(_TORCH_RANDOM)
