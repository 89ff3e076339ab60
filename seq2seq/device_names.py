"""The names of devices that --device takes, whichever engine computes. No torch."""

from __future__ import annotations

import re

from seq2seq.errors import DeviceError

_NAME = re.compile(r"auto|cpu|mps|cuda(?::(0|[1-9][0-9]{0,3}))?")


def parsed(name: str) -> tuple[str, int | None]:
    """The kind of a device, auto, cpu, cuda or mps, and its number where the name has one. Raises DeviceError for any
    other name."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise DeviceError(
            f"--device {name[:80]}: there are auto, cpu, cuda and mps, and cuda:1 for the second of several"
        )
    kind, _, _ = name.partition(":")
    return kind, None if match[1] is None else int(match[1])
