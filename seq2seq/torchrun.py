"""Whether torchrun started this process among others, by the variables that it sets. No torch here.

A cluster's login shell, or a batch script, may set some of the same variables: they count only where all are set and
agree.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
_PORTS = 1 << 16
_LONG = 20  # digits: no number here has as many


@dataclass(frozen=True)
class ProcessPlace:
    """A process's place among those that work together."""

    rank: int
    size: int
    local_rank: int  # on its machine
    local_size: int  # processes of its machine, as far as torchrun tells


def place() -> ProcessPlace | None:
    """This process's place; None where it works by itself, whatever single variables say."""
    return _read()[0]


def ignored() -> str:
    """Why variables of torchrun that are set do not count; empty where none is set, or all count."""
    return _read()[1]


def _read() -> tuple[ProcessPlace | None, str]:
    given = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
    if not given:
        return None, ""
    if missing := [name for name in VARIABLES if name not in given]:
        return None, f"{' and '.join(given)} set without {' and '.join(missing)}"
    shown = " ".join(f"{name}={value}" for name, value in given.items())
    numbers = {name: value for name, value in given.items() if name != "MASTER_ADDR"}
    numbers["LOCAL_WORLD_SIZE"] = os.environ.get("LOCAL_WORLD_SIZE") or "1"
    if not all(value.isascii() and value.isdigit() and len(value) < _LONG for value in numbers.values()):
        return None, f"{shown}: numbers are needed"
    rank, size, local_rank, port, local_size = (int(value) for value in numbers.values())
    if not (local_rank <= rank < size and local_size <= size and 0 < port < _PORTS):
        return None, f"{shown} do not agree"
    return ProcessPlace(rank, size, local_rank, local_size), ""
