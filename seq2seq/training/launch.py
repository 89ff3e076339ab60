"""How a process that torchrun started finds the others, and what it computes on."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed
from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined]
from torch.distributed.rendezvous import rendezvous

from seq2seq import device_names
from seq2seq.errors import DeviceError
from seq2seq.training.distributed import ALONE, Replicas, Team
from seq2seq.training.sharded import Shards

WAYS = ("ddp", "fsdp")
_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
_BETWEEN_LOOKS = 0.02  # seconds


def started() -> bool:
    """Whether torchrun, or what sets the same variables, started this process."""
    return all(name in os.environ for name in _VARIABLES)


@contextmanager
def joined(way: str = "auto", device: str = "auto") -> Iterator[Team]:
    """The processes that torchrun started, as a team, each on a device of its own; a single process by itself.

    `way`: ddp, fsdp or auto, which is ddp. Raises DeviceError: no torchrun where a way is asked for, no device for a
    process, no connection, and where another process has ended.
    """
    if not started():
        if way != "auto":
            raise DeviceError(
                f"--parallel {way} is for several processes; start them with `torchrun --nproc-per-node=N "
                "--no-python -- seqx train ...`"
            )
        yield ALONE
        return
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    own = own_device(device, int(os.environ["LOCAL_RANK"]))
    try:
        store = next(rendezvous("env://"))[0]
        backend = "gloo" if own == "cpu" else "nccl"
        distributed.init_process_group(backend, store=_fresh(store, rank, size), rank=rank, world_size=size)
        yield Shards(own) if way == "fsdp" else Replicas(own)
    except (RuntimeError, ValueError) as error:
        if not _of_the_connection(error):
            raise
        raise DeviceError(
            f"process {rank} of {size} lost the others: one of them ended, and says why, or cannot be reached "
            f"({str(error).splitlines()[0]})"
        ) from error
    distributed.destroy_process_group()


def own_device(name: str, number: int) -> str:
    """The device of the process of a number on its machine. Raises DeviceError where there is none for it."""
    device_names.parsed(name)
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return "cpu"
    if name not in ("auto", "cuda"):
        raise DeviceError(f"--device {name} under torchrun: there are auto, cpu and cuda, of which each takes its own")
    count = torch.cuda.device_count()
    if number >= count:
        raise DeviceError(
            f"process {number} of this machine has no GPU of its own: there are {count}; start no more with "
            "torchrun --nproc-per-node, or give --device cpu"
        )
    torch.cuda.set_device(number)
    return f"cuda:{number}"


def _of_the_connection(error: Exception) -> bool:
    return isinstance(error, distributed.DistError) or any(
        word in str(error) for word in ("gloo", "NCCL", "c10d", "closed by peer", "reset by peer")
    )


def _fresh(store: Store, rank: int, size: int) -> Store:
    """A part of torchrun's store, of a name that the first process chose just now and every other has heard from it.

    After a restart the store still has what the processes before it wrote, where they could be reached among it. So
    each asks under a name of its own, new each time, and the first process answers all that it finds, until all those
    that are there have thanked it.
    """
    own = uuid.uuid4().hex
    store.set(f"asks/{rank}", own)
    if rank:
        name = store.get(f"answer/{own}").decode()
        store.set(f"thanks/{name}/{rank}", own)
        return PrefixStore(name, store)
    left = set(range(1, size))
    while left:
        left = {other for other in left if not store.check([f"thanks/{own}/{other}"])}
        for other in left:
            if store.check([f"asks/{other}"]):
                store.set(f"answer/{store.get(f'asks/{other}').decode()}", own)
        time.sleep(_BETWEEN_LOOKS)
    return PrefixStore(own, store)
