"""Layers compiled by torch, for training only: decoding, with another shape at every token, stays uncompiled."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from seq2seq.errors import DeviceError
from seq2seq.model.stack import Layered


def compile_layers(model: Layered, device: torch.device, backend: str = "inductor") -> None:
    """Compile the layers of a model in place, with sizes left open, so that those of a stack share a graph with a mask
    and one without. Raises DeviceError on a device where it does not pay."""
    if device.type != "cuda" and backend == "inductor":
        raise DeviceError(
            f"training.compile = true on {device}: needs a C++ compiler there and was not faster; leave it false"
        )
    for layer in model.layers():
        layer.compile(dynamic=True, backend=backend)


def uncompiled() -> AbstractContextManager[None]:
    """Within the block, compiled layers run uncompiled."""
    stance: AbstractContextManager[None] = torch.compiler.set_stance("force_eager")
    return stance
