"""Hardware and versions of this machine."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

import torch

import seq2seq
from seq2seq import device, limits
from seq2seq.measure import memory
from seq2seq.recipe.optimizers import OPTIONS
from seq2seq.training.optimisers import class_of


@dataclass(frozen=True)
class Machine:
    """Versions, processors, memory in bytes."""

    seqx: str
    python: str
    torch: str
    platform: str
    processors: int
    threads: int  # that torch computes with
    omp_wait_policy: str | None
    load: float | None  # runnable processes, on average over the last minute; None where the system does not report it
    memory: int
    available_memory: int
    optimisers: dict[str, bool]  # by kind: whether this torch has it


def this_machine() -> Machine:
    """The machine that this process runs on."""
    return Machine(
        seqx=seq2seq.__version__,
        python=platform.python_version(),
        torch=torch.__version__,
        platform=f"{platform.system()} {platform.machine()}",
        processors=os.cpu_count() or 1,
        threads=device.threads(),
        omp_wait_policy=os.environ.get("OMP_WAIT_POLICY"),
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        memory=limits.memory(),
        available_memory=memory.available(torch.device("cpu"))[0],
        optimisers={kind: class_of(kind).available() for kind in OPTIONS},
    )
