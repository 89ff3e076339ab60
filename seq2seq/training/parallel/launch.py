"""How a process that torchrun started finds the others, and the device that it computes on."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed
from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined]
from torch.distributed.rendezvous import rendezvous

from seq2seq import device_names, torchrun
from seq2seq.errors import DeviceError
from seq2seq.training.parallel.sharded import Shards
from seq2seq.training.parallel.team import ALONE, Replicas, Team

Value = TypeVar("Value")

_POLL_INTERVAL = 0.02  # seconds
_RETRY_INTERVAL = 0.5
CONNECT_TIMEOUT = 60.0  # seconds until the rendezvous address counts as unreachable
_JOIN_TIMEOUT = timedelta(minutes=5)  # until all processes must have joined


@contextmanager
def joined(way: str = "auto", device: str = "auto") -> Iterator[Team]:
    """The processes that torchrun started, as a team, each on a device of its own; a single process by itself.

    `way`: ddp, fsdp or auto, which is ddp. Raises DeviceError: no torchrun where a way is asked for, no device for a
    process, no connection, and where another process has ended.
    """
    place = torchrun.place()
    if place is None or (place.size == 1 and way == "auto"):
        if way != "auto":
            raise DeviceError(
                f"--parallel {way} is for several processes; start them with `torchrun --nproc-per-node=N "
                "--no-python -- seqx train ...`"
            )
        yield ALONE
        return
    rank, size = place.rank, place.size
    own = own_device(device, place.local_rank)
    try:
        _reach(place)
        store = _interruptible(lambda: next(rendezvous("env://", timeout=_JOIN_TIMEOUT))[0])
        store.set_timeout(distributed.default_pg_timeout)
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


def _reach(place: torchrun.ProcessPlace) -> None:
    """Wait until the rendezvous address answers. Raises DeviceError where it does not."""
    waits = place.rank > 0 or os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"  # else it is this process
    address = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    deadline = time.monotonic() + CONNECT_TIMEOUT
    while True:
        try:
            if waits:
                socket.create_connection(address, timeout=CONNECT_TIMEOUT).close()
            else:
                socket.getaddrinfo(*address)
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise DeviceError(
                    f"process {place.rank} of {place.size} does not reach the first at {address[0]}:{address[1]} "
                    f"({error.strerror or error}): start all with torchrun, or unset {', '.join(torchrun.VARIABLES)}"
                ) from error
        time.sleep(_RETRY_INTERVAL)


def _interruptible(function: Callable[[], Value]) -> Value:
    """The result of a function that waits in C++, run in another thread, so that this one handles signals."""
    done: Future[Value] = Future()

    def run() -> None:
        try:
            done.set_result(function())
        except Exception as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done.result()


def own_device(name: str, number: int) -> str:
    """The device of a process, by its number on its machine. Raises DeviceError where there is none for it."""
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
    """A new part of torchrun's store, under a name that the first process chooses and all others receive.

    After a restart the store still has the entries of the processes before it, addresses among them. So each process
    asks under a new name of its own, and the first process answers every question until all others have thanked it.
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
        time.sleep(_POLL_INTERVAL)
    return PrefixStore(own, store)
