"""Commands that torchrun starts several times over one file: which process this is, and how they share the work. A
process by itself does without torch here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seq2seq.decoding.spread import Processes, Translates


def several() -> bool:
    """Whether torchrun started this process, and others beside it."""
    return "MASTER_ADDR" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"


def main() -> bool:
    """Whether this is the process that prints and writes."""
    return not several() or os.environ.get("RANK", "0") == "0"


def name() -> str:
    """What this process calls itself before an error."""
    return "seqx" if main() else f"seqx (process {os.environ.get('RANK')})"


def device(wanted: str) -> str:
    """The device of --device, where there are several processes this one's own. Raises DeviceError."""
    if not several():
        return wanted
    from seq2seq.training.launch import own_device

    return own_device(wanted, int(os.environ.get("LOCAL_RANK", "0")))


@contextmanager
def together() -> Iterator[Processes]:
    """All processes, to exchange results. Raises DeviceError where another one ends meanwhile."""
    if several():
        from seq2seq.training.launch import joined

        with joined(device="cpu") as team:  # whatever computes: it is text and numbers that are exchanged
            yield team
    else:
        from seq2seq.decoding.spread import OneProcess

        yield OneProcess()


@contextmanager
def sharing(translator: Translates) -> Iterator[Translates]:
    """A translator that shares its text out over all processes."""
    with together() as all_of_them:
        if all_of_them.size == 1:
            yield translator
        else:
            from seq2seq.decoding.spread import Spread

            yield Spread(translator, all_of_them)
