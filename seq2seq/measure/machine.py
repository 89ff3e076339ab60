"""Hardware and versions of this machine."""

from __future__ import annotations

import os
import platform
from typing import Any

import torch

import seq2seq
from seq2seq import limits
from seq2seq.measure import memory
from seq2seq.recipe.optimizers import OPTIONS
from seq2seq.training.optimisers import class_of


def this_machine() -> dict[str, Any]:
    """Versions, processors, memory in bytes, for JSON."""
    return {
        "seqx": seq2seq.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),  # that torch computes with
        "omp_wait_policy": os.environ.get("OMP_WAIT_POLICY"),
        # Runnable processes, on average over the last minute.
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "memory": limits.memory(),
        "available_memory": memory.available(torch.device("cpu"))[0],
        "optimisers": {kind: class_of(kind).available() for kind in OPTIONS},  # whether this torch has them
    }
