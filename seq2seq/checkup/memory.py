"""Memory that there is, memory that a training takes, and the largest batch that fits."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from seq2seq import limits
from seq2seq.data.batches import Batch
from seq2seq.device import out_of_memory
from seq2seq.training.objective import Objective

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

FULL = 0.9  # share of the memory that a batch may fill
_PASSING = 1.8  # what a backward pass takes at its height, over what the forward pass kept for it: measured, 1.4 to 1.7
_COPIES = 4  # of the weights: themselves, gradients, two moments


@dataclass(frozen=True)
class Budget:
    """A value of training.batch_tokens that fits, and how it was found."""

    batch_tokens: int
    how: str


def peak(where: torch.device) -> int:
    """The most bytes that this process has held on a device; 0 where the system does not tell."""
    if where.type == "cuda":
        return torch.cuda.max_memory_allocated(where)
    if where.type == "mps":
        return int(torch.mps.driver_allocated_memory())
    if resource is None:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def room(where: torch.device) -> tuple[int, str]:
    """Bytes on a device that this process could hold, and what says so."""
    if where.type == "cuda":
        return torch.cuda.mem_get_info(where)[0] + torch.cuda.memory_reserved(where), "free memory of the GPU"
    if where.type == "mps":
        return int(torch.mps.recommended_max_memory()), "memory that Metal recommends to use"
    left = limits.memory_left()
    return (limits.memory() // 2, "half of the memory") if left is None else (left, "available memory")


def kept(objective: Objective, batch: Batch) -> int:
    """Bytes that a forward pass keeps for the backward pass, weights among them."""
    sizes: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    objective.begin(0)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: cast(Tensor, tensor)):
        measured = objective(batch, 0)
    del measured  # the pass was alive until here, so that no two tensors had one address
    return sum(sizes.values())


def estimated_budget(parameters: int, bytes_a_token: float, where: torch.device) -> Budget:
    """The batch that should fit, from what a token of it keeps for the backward pass."""
    bytes_there, what = room(where)
    left = FULL * bytes_there - _COPIES * 4 * parameters
    tokens = max(0, int(left / (_PASSING * bytes_a_token)))
    return Budget(
        _rounded(tokens),
        f"estimated from {FULL:.0%} of {bytes_there / 2**30:.1f} GiB, {what}: each token keeps "
        f"{bytes_a_token / 1024:,.0f} KiB for the backward pass, which takes {_PASSING} times that at its height",
    )


def measured_budget(
    step: Callable[[int], int],
    start: int,
    bytes_there: int,
    *,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Budget:
    """The largest batch that ran, doubled from `start` on until memory is full, or time is up.

    `step` takes a batch of so many tokens and returns the peak of memory; it raises what torch raises where memory
    ends.
    """
    largest, used = 0, 0
    tokens = start
    end = clock() + seconds
    ended = "the time for trying was up"
    while clock() < end:
        try:
            taken = step(tokens)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            ended = f"at {tokens:,} memory ran out"
            break
        if taken > FULL * bytes_there:
            ended = f"{tokens:,} took {taken / bytes_there:.0%} of memory"
            break
        largest, used, tokens = tokens, taken, 2 * tokens
    return Budget(
        largest,
        f"measured: took {used / 2**30:.1f} of {bytes_there / 2**30:.1f} GiB; the batch was doubled until {ended}",
    )


def _rounded(tokens: int) -> int:
    """To two digits, downwards."""
    unit = int(10 ** max(0, len(str(tokens)) - 2))
    return tokens // unit * unit
