"""Available memory, memory that a training run takes, and the largest batch that fits."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Tensor

from seq2seq import limits
from seq2seq.data.batches import Batch
from seq2seq.device import Numerics, out_of_memory, release, wait
from seq2seq.measure.steps import ModelSteps
from seq2seq.recipe import Recipe
from seq2seq.training.objective import Objective

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

FEW = 512  # tokens of a batch that measures the bytes per token
_SECONDS = 20.0  # for trying larger batches
FULL = 0.9  # share of the memory that a batch may fill
_PASSING = 1.8  # peak of a backward pass, over what the forward pass kept for it: measured, 1.4 to 1.7
_COPIES = 4  # of the weights: themselves, gradients, two moments


@dataclass(frozen=True)
class Budget:
    """A value of training.batch_tokens that fits, and how it was found."""

    batch_tokens: int
    how: str


def peak(device: torch.device) -> int:
    """The most bytes that this process has held on a device; 0 where the system does not report it."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == "mps":
        return int(torch.mps.driver_allocated_memory())
    if resource is None:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def available(device: torch.device) -> tuple[int, str]:
    """Bytes on a device that this process could allocate, and where the figure comes from."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device), "free memory of the GPU"
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory()), "memory that Metal recommends to use"
    left = limits.memory_left()
    return (limits.memory() // 2, "half of the memory") if left is None else (left, "available memory")


def saved_bytes(objective: Objective, batch: Batch) -> int:
    """Bytes that a forward pass keeps for the backward pass, weights among them."""
    sizes: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    objective.begin(0)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: cast(Tensor, tensor)):
        measured = objective(batch, 0)
    del measured  # kept alive until here, so that no address was used twice
    return sum(sizes.values())


def estimated_budget(parameters: int, token_bytes: float, device: torch.device) -> Budget:
    """The batch that should fit, from the bytes that a token keeps for the backward pass."""
    available_bytes, what = available(device)
    left = FULL * available_bytes - _COPIES * 4 * parameters
    tokens = max(0, int(left / (_PASSING * token_bytes)))
    return Budget(
        _rounded(tokens),
        f"estimated from {FULL:.0%} of {available_bytes / 2**30:.1f} GiB, {what}: each token keeps "
        f"{token_bytes / 1024:,.0f} KiB for the backward pass, which takes {_PASSING} times that at its peak",
    )


def measured_budget(
    step: Callable[[int], int],
    start: int,
    available_bytes: int,
    *,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Budget:
    """The largest batch that ran, doubled from `start` on until memory is full or time runs out.

    `step` computes an update on a batch of so many tokens and returns the peak memory; it raises what torch raises
    when memory runs out.
    """
    largest, used, tokens = 0, 0, start
    end = clock() + seconds
    ended = "time ran out"
    while clock() < end:
        try:
            taken = step(tokens)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            ended = f"at {tokens:,} memory ran out"
            break
        if taken > FULL * available_bytes:
            ended = f"{tokens:,} took {taken / available_bytes:.0%} of memory"
            break
        largest, used, tokens = tokens, taken, 2 * tokens
    return Budget(
        largest,
        f"measured: took {used / 2**30:.1f} of {available_bytes / 2**30:.1f} GiB; the batch was doubled until {ended}",
    )


def bytes_per_token(steps: ModelSteps, batch_tokens: int) -> float:
    """The bytes that each additional place of a batch keeps for the backward pass."""
    row = steps.workload.batch(1).labels.numel()
    few = steps.workload.batch(max(batch_tokens, 2 * row))  # a single row has another layout
    many = steps.workload.batch(2 * few.labels.numel())
    small, large = (saved_bytes(steps.objective, batch) for batch in (few, many))
    return (large - small) / (many.labels.numel() - few.labels.numel())


def peak_of_update(steps: ModelSteps, batch_tokens: int) -> int:
    """The most bytes that an update on the worst batch takes on a CUDA device. Raises RuntimeError where memory
    runs out."""
    device = steps.numerics.device
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    steps.updates()(steps.workload.worst(batch_tokens))
    wait(device)
    return peak(device)


def largest_batch(recipe: Recipe, numerics: Numerics) -> Budget:
    """The budget of --batch-tokens auto: on CUDA the largest worst-case batch that ran, elsewhere an estimate; on a
    CPU, where larger batches are not faster, at most the recipe's own."""
    device, usual = numerics.device, recipe.training.batch_tokens
    steps = ModelSteps(recipe, numerics)
    if device.type == "cuda":
        budget = measured_budget(partial(peak_of_update, steps), usual // 8, available(device)[0], seconds=_SECONDS)
        del steps
        release(device)
        return budget
    budget = estimated_budget(steps.parameters, bytes_per_token(steps, FEW), device)
    if device.type == "cpu" and usual <= budget.batch_tokens:
        return Budget(usual, f"the recipe's own, since larger ones are not faster on a CPU; {budget.how}")
    return budget


def _rounded(tokens: int) -> int:
    """Rounded down to two digits."""
    unit = int(10 ** max(0, len(str(tokens)) - 2))
    return tokens // unit * unit
