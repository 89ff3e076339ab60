"""What every test stands on: one thread, a fixed seed, no deadline on a busy machine."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator

import pytest
import torch
from hypothesis import register_random, settings
from torch import Tensor

settings.register_profile("seqx", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("seqx")
torch.set_num_threads(1)
# Tests in the background of a shell, or under nohup, would have their processes ignore signals, as they do themselves.
signal.signal(signal.SIGINT, signal.default_int_handler)
for _name in ("SIGQUIT", "SIGHUP"):
    if hasattr(signal, _name):
        signal.signal(getattr(signal, _name), signal.SIG_DFL)
os.environ["HF_HUB_OFFLINE"] = "1"  # no test reaches for the network
_cache = tempfile.TemporaryDirectory(prefix="seqx-tests-")  # which ends with the tests
os.environ["XDG_CACHE_HOME"] = _cache.name  # nor for what a user has kept


class _TorchRandom:
    """Torch's generator as Hypothesis wants it, so that each example starts from the same one and failures repeat."""

    def seed(self, number: int) -> None:
        torch.manual_seed(number)

    def getstate(self) -> Tensor:
        return torch.get_rng_state()

    def setstate(self, state: Tensor) -> None:
        torch.set_rng_state(state)


_TORCH_RANDOM = _TorchRandom()  # Hypothesis keeps no reference of its own
register_random(_TORCH_RANDOM)


@pytest.fixture
def use_threads() -> Iterator[Callable[[int], None]]:
    """Lets a test compute with more than one thread."""
    yield torch.set_num_threads
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(1)
