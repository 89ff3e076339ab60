"""The processes that train one model together, as torchrun starts them. The rows of each batch are divided among them,
so that training is the same however many processes there are.

`Team` is a single process; each of `Replicas` holds the whole model (DDP), each of `Shards` (`sharded.py`) a part of it
(FSDP2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, distributed, nn

from seq2seq.data.batches import Batch
from seq2seq.recipe import Recipe

Value = TypeVar("Value")
ModelT = TypeVar("ModelT", bound=nn.Module)

_TIMEOUT = timedelta(days=30)  # while the first process prepares or validates; one that has died is noticed at once
_BUCKET_SIZE = 1 << 23  # numbers that are reduced at once


class Team:
    """A single process."""

    rank = 0
    size = 1
    way = "none"  # how several processes share a model: ddp, fsdp
    cuts = True  # whether a process may compute its rows in micro-batches of its own
    divisor = 1  # of gradients, as they are reduced

    @property
    def main(self) -> bool:
        """Whether this is the process that prints and writes."""
        return self.rank == 0

    def check(self, recipe: Recipe) -> None:
        """Raises RecipeError where a recipe cannot be trained this way."""

    def device(self, name: str) -> str:
        """The device of this process, given --device."""
        return name

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """The first process runs this block, then all others."""
        yield

    def broadcast(self, value: Value) -> Value:
        """The first process's value, in all processes."""
        return value

    def all_gather(self, value: Value) -> list[Value]:
        """The values of all processes, by rank."""
        return [value]

    def all_max(self, *numbers: int) -> tuple[int, ...]:
        """The maximum of each number over all processes."""
        return numbers

    def distribute(self, model: nn.Module, seed: int) -> None:
        """Prepare a model, built identically by all processes, before its optimiser is built; `seed`: the recipe's."""

    def begin_update(self, step: int) -> None:
        """An update begins."""

    def rows_of(self, batch: Batch) -> Batch:
        """This process's rows of a batch."""
        return batch

    def all_reduce(self, sums: Tensor, parameters: Sequence[nn.Parameter]) -> Tensor:
        """Sum gradients over all processes, in place; returns `sums` (N,), of loss and figures, summed likewise."""
        return sums

    def full_tensor(self, tensor: Tensor) -> Tensor:
        """A tensor computed from parameters, gathered where it is sharded."""
        return tensor

    def gather(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Full tensors, for the first process; all processes take part."""
        return tensors

    def shard(self, full: Tensor, like: Tensor) -> Tensor:
        """This process's shard of a full tensor, sharded as the parameter `like` is."""
        return full

    @contextmanager
    def full_model(self, model: ModelT) -> Iterator[ModelT | None]:
        """The full model in the first process; None in the others."""
        yield model


ALONE = Team()


class Replicas(Team):
    """A process with a whole model, whose gradients are summed over all once per update.

    They are summed after the backward pass, not within it: a process that ran out of memory has by then computed its
    rows again, in micro-batches, without the others.
    """

    way = "ddp"

    def __init__(self, device: str) -> None:
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()
        self._device = device
        control = distributed.new_group(backend="gloo", timeout=_TIMEOUT)
        self._control = cast(distributed.ProcessGroup, control)  # of all processes, so this one is a member
        self._seed = 0

    def device(self, name: str) -> str:
        return self._device

    @contextmanager
    def main_first(self) -> Iterator[None]:
        if not self.main:
            self.broadcast(None)
        yield
        if self.main:
            self.broadcast(None)

    def broadcast(self, value: Value) -> Value:
        values = [value]
        distributed.broadcast_object_list(values, 0, group=self._control)
        return values[0]

    def all_gather(self, value: Value) -> list[Value]:
        values: list[Any] = [None] * self.size
        distributed.all_gather_object(values, value, group=self._control)
        return values

    def all_max(self, *numbers: int) -> tuple[int, ...]:
        maxima = torch.tensor(numbers)
        distributed.all_reduce(maxima, distributed.ReduceOp.MAX, group=self._control)
        return tuple(maxima.tolist())

    def distribute(self, model: nn.Module, seed: int) -> None:
        """Broadcast the first process's weights."""
        self._seed = seed
        for weight in model.parameters():
            distributed.broadcast(weight.detach(), 0)

    def begin_update(self, step: int) -> None:
        """Seed the random numbers of each process but the first from (seed, process, update), so that a resumed run
        repeats them; those of the first are a single process's, and in the checkpoint."""
        if not self.main:
            torch.manual_seed(int(np.random.SeedSequence((self._seed, self.rank, step)).generate_state(1)[0]))

    def rows_of(self, batch: Batch) -> Batch:
        return batch.share(self.rank, self.size)

    def all_reduce(self, sums: Tensor, parameters: Sequence[nn.Parameter]) -> Tensor:
        distributed.all_reduce(sums)
        for gradients in _buckets([weight.grad for weight in parameters if weight.grad is not None]):
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            distributed.all_reduce(flat)
            parts = torch.split(flat, [gradient.numel() for gradient in gradients])
            torch._foreach_copy_(gradients, [part.view_as(own) for part, own in zip(parts, gradients)])
        return sums

    @contextmanager
    def full_model(self, model: ModelT) -> Iterator[ModelT | None]:
        yield model if self.main else None


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    bucket: list[Tensor] = []
    for tensor in tensors:
        if bucket and sum(map(Tensor.numel, bucket)) + tensor.numel() > _BUCKET_SIZE:
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket
