"""Commands that torchrun starts several times over one file: which process this is, and how they share the work. A
process by itself does without torch here."""

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

_SOON = 10.0  # seconds in which processes that were started together have found one another


def several() -> bool:
    """Whether torchrun started this process, and others beside it."""
    place = torchrun.place()
    return place is not None and place.size > 1


def main() -> bool:
    """Whether this is the process that prints and writes."""
    place = torchrun.place()
    return place is None or place.rank == 0


def name() -> str:
    """What this process calls itself before an error."""
    place = torchrun.place()
    return f"seqx (process {place.rank})" if place and place.rank else "seqx"


def device(wanted: str) -> str:
    """The device of --device, where there are several processes this one's own. Raises DeviceError."""
    place = torchrun.place()
    if place is None or place.size == 1:
        return wanted
    from seq2seq.training.parallel.launch import own_device

    return own_device(wanted, place.local_rank)


@contextmanager
def joined(way: str, device: str, *, quiet: bool) -> Iterator[Team]:
    """All processes as a team, as `launch.joined` has it; where there are several, that is said, and so is a wait for
    those that do not come."""
    from seq2seq.training.parallel import launch

    with _patience() as found, launch.joined(way, device) as team:
        found.cancel()
        if team.size > 1:
            note(f"{team.size} processes of torchrun share the work", quiet=quiet or not team.main)
        yield team


@contextmanager
def together(*, quiet: bool = False) -> Iterator[Processes]:
    """All processes, to exchange results. Raises DeviceError where another one ends meanwhile."""
    if several():
        # Whatever computes: it is text and numbers that are exchanged.
        with joined("auto", "cpu", quiet=quiet) as team:
            yield team
    else:
        from seq2seq.decoding.translation.distributed import OneProcess

        yield OneProcess()


@contextmanager
def sharing(translator: Translates, *, quiet: bool = False) -> Iterator[Translates]:
    """A translator that shares its text out over all processes."""
    with together(quiet=quiet) as all_of_them:
        if all_of_them.size == 1:
            yield translator
        else:
            from seq2seq.decoding.translation.distributed import DistributedTranslator

            yield DistributedTranslator(translator, all_of_them)


@contextmanager
def _patience() -> Iterator[threading.Timer]:
    """While this lasts a timer runs that says what is waited for."""
    place = torchrun.place()
    waiting = f"{name()}: waiting for the others of {place.size if place else 1} processes"
    unset = f"unset {', '.join(torchrun.VARIABLES)} where this is to be one process"
    timer = threading.Timer(_SOON, note, [f"{waiting}; {unset}"])
    timer.daemon = True
    if several():
        timer.start()
    try:
        yield timer
    finally:
        timer.cancel()
