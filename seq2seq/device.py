"""Which accelerator, which precision, and the machine's settings that make training fast."""

from __future__ import annotations

import ctypes
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import nn

from seq2seq.errors import DeviceError

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of mallopt(3), in bytes


@dataclass(frozen=True)
class Numerics:
    """Where and how exactly the arithmetic is done."""

    device: torch.device
    autocast: torch.dtype | None

    def context(self) -> AbstractContextManager[None]:
        """The autocast context."""
        return torch.autocast(self.device.type, dtype=self.autocast, enabled=self.autocast is not None)


@dataclass(frozen=True)
class Choice:
    """A device and a precision, and why they were taken."""

    numerics: Numerics
    reason: str

    def __str__(self) -> str:
        precision = "float32" if self.numerics.autocast is None else "bfloat16 products"
        return f"{self.numerics.device}, {precision} ({self.reason})"


def choose(name: str = "auto", precision: str = "auto") -> Choice:
    """The device of --device auto|cpu|cuda|mps, with the precision of training.precision.

    Raises DeviceError where this machine does not have it.
    """
    kind, _, number = name.partition(":")
    if kind not in ("auto", "cpu", "cuda", "mps") or (number and not number.isdigit()):
        raise DeviceError(f"--device {name}: there are auto, cpu, cuda and mps")
    if kind == "auto":
        device, reason = _automatic()
    else:
        present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        if not present[kind] or (kind == "cuda" and number and int(number) >= torch.cuda.device_count()):
            there = ", ".join(known for known, is_there in present.items() if is_there)
            raise DeviceError(
                f"--device {name}: this machine, with torch {torch.__version__}, has no such device; it has {there}"
            )
        device, reason = torch.device(name), f"--device {name}"
    prepare()
    half = _has_bfloat16(device)
    if precision == "bfloat16" and not half:
        raise DeviceError(f"training.precision = bfloat16: {device} has no fast bfloat16 here; use float32 or auto")
    return Choice(Numerics(device, torch.bfloat16 if half and precision != "float32" else None), reason)


def prepare() -> None:
    """Settings of the process, once: the C library keeps the memory that it has, since giving it back and taking it
    anew each step costs more than any other single thing on a CPU."""
    if sys.platform == "linux":
        try:
            libc = ctypes.CDLL("libc.so.6")
        except OSError:
            return  # another C library, which has other habits
        # Blocks over the threshold, the largest that every version takes, go back at once: kept, they would scatter the
        # rest.
        for parameter, value in (
            (_MMAP_THRESHOLD, 32 << 20),
            (_TRIM_THRESHOLD, 512 << 20),
            (_TOP_PAD, 16 << 20),
        ):
            libc.mallopt(parameter, value)


def threads() -> int:
    """Threads that torch computes with."""
    return torch.get_num_threads()


def _automatic() -> tuple[torch.device, str]:
    if torch.cuda.is_available():
        return torch.device("cuda"), f"auto: {torch.cuda.get_device_name()}"
    if torch.backends.mps.is_available():
        seconds = {name: trial(torch.device(name)) for name in ("mps", "cpu")}
        fastest = min(seconds, key=lambda name: seconds[name])
        return torch.device(
            fastest
        ), f"auto: a trial step took {seconds['mps']:.3f} s on mps, {seconds['cpu']:.3f} s on cpu"
    return torch.device("cpu"), f"auto: no GPU here; {threads()} threads"


def trial(device: torch.device, width: int = 256, rows: int = 2048, steps: int = 5) -> float:
    """Seconds of one training step of a small feed-forward stack on a device, the median of a few."""
    layers = nn.Sequential(
        *(nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width)) for _ in range(6))
    )
    layers = layers.to(device)
    x = torch.randn(rows, width, device=device)
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        layers(x).square().mean().backward()
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[steps // 2]


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "mps":
        return False
    # Without the processor's own instructions bfloat16 is emulated, and slower than float32.
    return bool(torch.cpu._is_avx512_bf16_supported())
