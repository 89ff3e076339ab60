"""Processes of torchrun: which one this is, and how they share the work. A single process does not import torch
here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seq2seq import torchrun

from .printing import note

if TYPE_CHECKING:
    from seq2seq.decoding.translation.distributed import Processes, Translates
    from seq2seq.training.parallel.team import Team

_SOON = 10.0  # seconds in which processes that were started together usually connect


def several() -> bool:
    """Whether torchrun started this process, and others beside it."""
    place = torchrun.place()
    return place is not None and place.size > 1


def main() -> bool:
    """Whether this is the process that prints and writes."""
    place = torchrun.place()
    return place is None or place.rank == 0


def name() -> str:
    """The name of this process in error messages."""
    place = torchrun.place()
    return f"seqx (process {place.rank})" if place and place.rank else "seqx"


def device(name: str) -> str:
    """The device of --device; of several processes, this one's own device. Raises DeviceError."""
    place = torchrun.place()
    if place is None or place.size == 1:
        return name
    from seq2seq.training.parallel.launch import own_device

    return own_device(name, place.local_rank)


@contextmanager
def joined(way: str, device: str, *, quiet: bool) -> Iterator[Team]:
    """All processes as a team, by `launch.joined`; reports several processes, and a long wait for any of them."""
    from seq2seq.training.parallel import launch

    with _patience() as timer, launch.joined(way, device) as team:
        timer.cancel()
        if team.size > 1:
            note(f"{team.size} processes of torchrun share the work", quiet=quiet or not team.main)
        yield team


@contextmanager
def together(*, quiet: bool = False) -> Iterator[Processes]:
    """All processes, to exchange results. Raises DeviceError where another process ends meanwhile."""
    if several():
        # On the CPU in any case: only text and numbers are exchanged.
        with joined("auto", "cpu", quiet=quiet) as team:
            yield team
    else:
        from seq2seq.decoding.translation.distributed import OneProcess

        yield OneProcess()


@contextmanager
def sharing(translator: Translates, *, quiet: bool = False) -> Iterator[Translates]:
    """A translator that distributes its text over all processes."""
    with together(quiet=quiet) as team:
        if team.size == 1:
            yield translator
        else:
            from seq2seq.decoding.translation.distributed import DistributedTranslator

            yield DistributedTranslator(translator, team)


@contextmanager
def _patience() -> Iterator[threading.Timer]:
    """Within this context a timer runs that reports what is being waited for."""
    place = torchrun.place()
    waiting = f"{name()}: waiting for the others of {place.size if place else 1} processes"
    unset = f"unset {', '.join(torchrun.VARIABLES)} to run as a single process"
    timer = threading.Timer(_SOON, note, [f"{waiting}; {unset}"])
    timer.daemon = True
    if several():
        timer.start()
    try:
        yield timer
    finally:
        timer.cancel()
