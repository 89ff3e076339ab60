"""The processes that train one model together, as torchrun starts them: what they tell one another, and how an update
is spread over them. A batch is that of a single process, its rows shared out, so that training is the same however many
processes there are.

`Team` is a process by itself; `Replicas` hold the whole model each (DDP); `Shards` a part of it (FSDP2), in a module of
their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, distributed, nn

from seq2seq.data.batches import Batch
from seq2seq.recipe import Recipe

Value = TypeVar("Value")
Model = TypeVar("Model", bound=nn.Module)

_PATIENCE = timedelta(days=30)  # while the first process prepares or validates; one that has died is noticed at once
_BUCKET = 1 << 23  # numbers that are summed over the processes at once


class Team:
    """One process by itself."""

    rank = 0
    size = 1
    way = "none"  # how several processes share a model: ddp, fsdp
    cuts = True  # whether a process may compute its share of a batch in pieces that the others do not know of
    divisor = 1  # what gradients are divided by on their way from process to process

    @property
    def main(self) -> bool:
        """Whether this is the process that prints and writes."""
        return self.rank == 0

    def check(self, recipe: Recipe) -> None:
        """Raises RecipeError where a recipe cannot be trained so."""

    def device(self, name: str) -> str:
        """The device of this process, by what --device says."""
        return name

    @contextmanager
    def first(self) -> Iterator[None]:
        """The first process goes through this block, then all others."""
        yield

    def told(self, value: Value) -> Value:
        """The value of the first process, for which the others wait."""
        return value

    def exchanged(self, value: Value) -> list[Value]:
        """The values of all processes, in their order."""
        return [value]

    def most(self, *numbers: int) -> tuple[int, ...]:
        """Of each number the largest that any process has."""
        return numbers

    def spread(self, model: nn.Module, seed: int) -> None:
        """Make a model ready that all processes have built alike, before there is an optimiser; `seed`: the
        recipe's."""

    def begin(self, step: int) -> None:
        """An update begins."""

    def share(self, batch: Batch) -> Batch:
        """This process's rows."""
        return batch

    def collect(self, sums: Tensor, parameters: Sequence[nn.Parameter]) -> Tensor:
        """Sum the gradients of all shares, in place; returns the sums (N,) of loss and figures over all of them."""
        return sums

    def whole_number(self, number: Tensor) -> Tensor:
        """A number computed from parameters, as every process sees it."""
        return number

    def gathered(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Whole tensors, for the first process; all take part."""
        return tensors

    def parted(self, whole: Tensor, like: Tensor) -> Tensor:
        """What this process keeps of a whole tensor, as it keeps a parameter of that shape."""
        return whole

    @contextmanager
    def whole(self, model: Model) -> Iterator[Model | None]:
        """A whole model that computes by itself, for the first process; None for the others."""
        yield model


ALONE = Team()


class Replicas(Team):
    """A process with a whole model, whose gradients are summed over all once an update.

    They are summed after the backward pass, not within it: a process whose memory ran out meanwhile has then computed
    its share anew, in pieces, and none of the others need know.
    """

    way = "ddp"

    def __init__(self, device: str) -> None:
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()
        self._device = device
        self._words = distributed.new_group(backend="gloo", timeout=_PATIENCE)
        self._seed = 0

    def device(self, name: str) -> str:
        """The GPU of this process's number on its machine, or the CPU."""
        return self._device

    @contextmanager
    def first(self) -> Iterator[None]:
        """The first process goes through this block, then all others."""
        if not self.main:
            self.told(None)
        yield
        if self.main:
            self.told(None)

    def told(self, value: Value) -> Value:
        """The value of the first process, for which the others wait."""
        box = [value]
        distributed.broadcast_object_list(box, 0, group=self._words)
        return box[0]

    def exchanged(self, value: Value) -> list[Value]:
        """The values of all processes, in their order."""
        found: list[Any] = [None] * self.size
        distributed.all_gather_object(found, value, group=self._words)
        return found

    def most(self, *numbers: int) -> tuple[int, ...]:
        """Of each number the largest that any process has."""
        found = torch.tensor(numbers)
        distributed.all_reduce(found, distributed.ReduceOp.MAX, group=self._words)
        return tuple(found.tolist())

    def spread(self, model: nn.Module, seed: int) -> None:
        """The same weights everywhere, whatever torch each process has."""
        self._seed = seed
        for weight in model.parameters():
            distributed.broadcast(weight.detach(), 0)

    def begin(self, step: int) -> None:
        """Random numbers of its own for each process but the first, whose are those of a single process and in the
        checkpoint: the others' follow from (seed, process, update), so that a resumed training repeats them."""
        if not self.main:
            torch.manual_seed(int(np.random.SeedSequence((self._seed, self.rank, step)).generate_state(1)[0]))

    def share(self, batch: Batch) -> Batch:
        """This process's rows."""
        return batch.share(self.rank, self.size)

    def collect(self, sums: Tensor, parameters: Sequence[nn.Parameter]) -> Tensor:
        """Sum the gradients of all shares, in place; returns the sums (N,) of loss and figures over all of them."""
        distributed.all_reduce(sums)
        for gradients in _buckets([weight.grad for weight in parameters if weight.grad is not None]):
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            distributed.all_reduce(flat)
            parts = torch.split(flat, [gradient.numel() for gradient in gradients])
            torch._foreach_copy_(gradients, [part.view_as(own) for part, own in zip(parts, gradients)])
        return sums

    @contextmanager
    def whole(self, model: Model) -> Iterator[Model | None]:
        """A whole model that computes by itself, for the first process; None for the others."""
        yield model if self.main else None


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    bucket: list[Tensor] = []
    for tensor in tensors:
        if bucket and sum(each.numel() for each in bucket) + tensor.numel() > _BUCKET:
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket
