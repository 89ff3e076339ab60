"""Layers compiled by torch for training alone: decoding has shapes of its own, one a token, and stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

import torch
from torch import nn

from seq2seq.errors import DeviceError


class Layered(Protocol):
    """A model of layers."""

    def layers(self) -> Iterable[nn.Module]:
        """The layers, first to last."""


def compile_layers(model: Layered, device: torch.device, backend: str = "inductor") -> None:
    """Compile the layers of a model in place, with sizes left open: the layers of a stack share one graph, of which
    there is one with a mask and one without, whatever batches come. Raises DeviceError on a device where it does not
    pay."""
    if device.type != "cuda" and backend == "inductor":
        raise DeviceError(
            f"training.compile = true on {device}: needs a C++ compiler there and was not faster; leave it false"
        )
    for layer in model.layers():
        layer.compile(dynamic=True, backend=backend)


def as_written() -> AbstractContextManager[None]:
    """While this lasts, compiled layers run as they are written."""
    stance: AbstractContextManager[None] = torch.compiler.set_stance("force_eager")
    return stance
