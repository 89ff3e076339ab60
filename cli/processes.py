"""Processes of torchrun: which one this is, and how they share the work. A single process does not import torch
here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seq2seq import torchrun

from .printing import note, report

if TYPE_CHECKING:
    from seq2seq.decoding.translation.distributed import Processes, Translates
    from seq2seq.training.parallel.team import Team

_SOON = 10.0  # seconds in which processes that were started together usually connect


def place() -> torchrun.ProcessPlace:
    """The place of this process among those that torchrun started."""
    return torchrun.place() or torchrun.ProcessPlace(rank=0, size=1, local_rank=0, local_size=1)


def several() -> bool:
    """Whether torchrun started this process, and others beside it."""
    return place().size > 1


def main() -> bool:
    """Whether this is the process that prints and writes."""
    return place().rank == 0


def name() -> str:
    """The name of this process in error messages."""
    return "seqx" if main() else f"seqx (process {place().rank})"


def device(name: str) -> str:
    """The device of --device; of several processes, this one's own device. Raises DeviceError."""
    if not several():
        return name
    from seq2seq.training.parallel.launch import own_device

    return own_device(name, place().local_rank)


@contextmanager
def joined(way: str, device: str) -> Iterator[Team]:
    """All processes as a team, by `launch.joined`; reports several processes, and a long wait for any of them."""
    from seq2seq.training.parallel import launch

    waiting = f"{name()}: waiting for the others of {place().size} processes"
    unset = f"unset {', '.join(torchrun.VARIABLES)} to run as a single process"
    timer = threading.Timer(_SOON, report, [f"{waiting}; {unset}"])
    timer.daemon = True
    if several():
        timer.start()
    try:
        with launch.joined(way, device) as team:
            timer.cancel()
            if team.size > 1:
                note(f"{team.size} processes of torchrun share the work")
            yield team
    finally:
        timer.cancel()


@contextmanager
def together() -> Iterator[Processes]:
    """All processes, to exchange results. Raises DeviceError where another process ends meanwhile."""
    if several():
        # On the CPU in any case: only text and numbers are exchanged.
        with joined("auto", "cpu") as team:
            yield team
    else:
        from seq2seq.decoding.translation.distributed import OneProcess

        yield OneProcess()


@contextmanager
def sharing(translator: Translates) -> Iterator[Translates]:
    """A translator that distributes its text over all processes."""
    with together() as team:
        if team.size == 1:
            yield translator
        else:
            from seq2seq.decoding.translation.distributed import DistributedTranslator

            yield DistributedTranslator(translator, team)
