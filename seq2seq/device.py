"""The accelerator, the precision, and the settings of the machine that make training fast."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seq2seq import device_names, limits
from seq2seq.errors import DeviceError

FLOAT32_ERROR = 5e-4  # of sums of 256 products of normal numbers; in bfloat16 it is about 0.1
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of mallopt(3), in bytes


@dataclass(frozen=True)
class Numerics:
    """Where and how exactly the arithmetic is done."""

    device: torch.device
    autocast: torch.dtype | None

    @property
    def precision(self) -> str:
        """Of matrix products."""
        return "float32" if self.autocast is None else "bfloat16"

    def context(self) -> AbstractContextManager[None]:
        """The autocast context."""
        return torch.autocast(self.device.type, dtype=self.autocast, enabled=self.autocast is not None)


@dataclass(frozen=True)
class Choice:
    """A device and a precision, and why they were chosen."""

    numerics: Numerics
    reason: str

    def __str__(self) -> str:
        precision = "float32" if self.numerics.autocast is None else "bfloat16 products"
        return f"{self.numerics.device}, {precision} ({self.reason})"


@dataclass(frozen=True)
class Trial:
    """The result of a trial training step on a device."""

    seconds: float
    fault: str = ""  # why the device must not be used; empty where it may be


Attempt = Callable[[torch.device], Trial]


def choose(name: str = "auto", precision: str = "auto", attempt: Attempt | None = None) -> Choice:
    """The device of --device auto|cpu|cuda|mps, with the precision of training.precision.

    `attempt` tries a device, where auto has to choose by speed; without it a small feed-forward stack is tried. Raises
    DeviceError where this machine does not have the device, or the device not the precision.
    """
    if name == "auto":
        device, reason = automatic(present(), attempt or (lambda device: Trial(stack_seconds(device))))
    else:
        device, reason = named(name), f"--device {name}"
    prepare()
    return Choice(numerics(device, precision), reason)


def named(name: str) -> torch.device:
    """The device cpu, cuda, cuda:1 or mps. Raises DeviceError where this machine does not have it."""
    kind, number = device_names.parsed(name)
    devices = present()
    if kind not in devices or (number is not None and number >= torch.cuda.device_count()):
        raise DeviceError(
            f"--device {name}: this machine, with torch {torch.__version__}, has no such device; it has "
            f"{', '.join(devices)}"
        )
    return torch.device(name)


def numerics(device: torch.device, precision: str) -> Numerics:
    """How a device computes at the precision of training.precision. Raises DeviceError where it cannot."""
    half, reason = bfloat16(device)
    if precision == "bfloat16" and not half:
        raise DeviceError(
            f"precision bfloat16: {device} has no fast bfloat16 here ({reason}); use float32 or auto, by --precision "
            "or the recipe's training.precision"
        )
    return Numerics(device, torch.bfloat16 if half and precision != "float32" else None)


def present() -> dict[str, str]:
    """The devices of this machine, the CPU first, each with a description."""
    threads = torch.get_num_threads()
    devices = {"cpu": f"{threads} thread{'s' if threads > 1 else ''}"}
    if torch.cuda.is_available():
        devices["cuda"] = torch.cuda.get_device_name()
    if torch.backends.mps.is_available():
        devices["mps"] = "the Mac's GPU"
    return devices


def automatic(devices: Mapping[str, str], attempt: Attempt) -> tuple[torch.device, str]:
    """The choice of --device auto among the devices of `present`, and the reason.

    CUDA wherever there is one; the GPU of a Mac where it is faster than the CPU and computes the same.
    """
    if "cuda" in devices:
        return torch.device("cuda"), f"auto: {devices['cuda']}"
    if "mps" in devices:
        mps, cpu = attempt(torch.device("mps")), attempt(torch.device("cpu"))
        if mps.fault:
            return torch.device("cpu"), f"auto: not mps: {mps.fault}"
        fastest = "mps" if mps.seconds < cpu.seconds else "cpu"
        return torch.device(fastest), (
            f"auto: a trial step took {1000 * mps.seconds:.1f} ms on mps, {1000 * cpu.seconds:.1f} ms on cpu"
        )
    return torch.device("cpu"), f"auto: no GPU here; {devices['cpu']}"


def prepare() -> None:
    """Settings of the process, made once, before it computes anything.

    torch uses a thread per core of the machine, though a container may allow fewer. oneDNN caches the code and the
    buffers of a thousand matrix shapes, and batches of text always have new shapes: a few are enough. The C library
    keeps freed memory, since returning it and allocating it again at each step costs more than anything else on a CPU.
    """
    most = limits.threads()
    if most < torch.get_num_threads() and not os.environ.get("OMP_NUM_THREADS"):  # torch itself obeys that
        torch.set_num_threads(most)
    for variable in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(variable, "64")
    if sys.platform == "linux":
        try:
            libc = ctypes.CDLL("libc.so.6")
        except OSError:
            return  # another C library, without these settings
        # Blocks over the threshold, the largest that every version accepts, are returned at once: kept, they would
        # fragment the rest.
        libc.mallopt(_MMAP_THRESHOLD, 32 << 20)
        libc.mallopt(_TRIM_THRESHOLD, 512 << 20)
        libc.mallopt(_TOP_PAD, 16 << 20)


@contextmanager
def large_products() -> Iterator[None]:
    """Within the block, float32 products on an AMD processor are computed by oneDNN, not by MKL, which uses a slow path
    there; small products, as in decoding, are faster with MKL.

    torch does so only where less exact products are allowed: whether they are less exact is tested once, and if so
    nothing is changed.
    """
    with _onednn_products() if "AuthenticAMD" in processor() and onednn_is_exact() else nullcontext():
        yield


@cache
def processor() -> str:
    """Linux's description of the processor, or an empty string."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


@cache
def onednn_is_exact() -> bool:
    """Whether oneDNN's products, allowed to be less exact, are as exact as float32."""
    if not hasattr(torch.backends.mkldnn, "matmul"):
        return False  # a torch before 2.9
    one, other = np.random.default_rng(1).standard_normal((2, 256, 256), np.float32)
    with _onednn_products():
        product = (torch.from_numpy(one) @ torch.from_numpy(other)).numpy()
    return bool(np.abs(product - one.astype(np.float64) @ other.astype(np.float64)).max() < FLOAT32_ERROR)


@contextmanager
def _onednn_products() -> Iterator[None]:
    """Within the block, oneDNN computes float32 products: it does so where it may be less exact."""
    library: Any = torch.backends.mkldnn
    before = library.matmul.fp32_precision
    library.matmul.fp32_precision = "bf16"
    try:
        yield
    finally:
        library.matmul.fp32_precision = before


def wait(device: torch.device) -> None:
    """Wait until a device has finished all queued work, which a timing must include."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of torch means out of memory, on any device."""
    return isinstance(error, torch.OutOfMemoryError) or any(
        text in str(error) for text in ("out of memory", "not enough memory", "can't allocate memory")
    )


def release(device: torch.device) -> None:
    """Return the unused memory that torch caches on a device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


@contextmanager
def one_thread() -> Iterator[None]:
    """Within the block, torch computes with one CPU thread."""
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(usual)


def work_alone() -> None:
    """Called first by a thread that computes beside others: it then uses a single core. Running threads keep their
    number; later ones start with one as well."""
    torch.set_num_threads(1)


@contextmanager
def random_kept(device: torch.device) -> Iterator[None]:
    """Restores torch's random state, the CPU's and a device's, when the block ends."""
    state = random_state(device)
    try:
        yield
    finally:
        set_random_state(state, device)


def random_state(device: torch.device) -> dict[str, Tensor]:
    """torch's random state: `random.cpu`, and that of a GPU, `random.accelerator`."""
    state = {"random.cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["random.accelerator"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        state["random.accelerator"] = torch.mps.get_rng_state()
    return state


def set_random_state(state: Mapping[str, Tensor], device: torch.device) -> None:
    """Restore a random state; that of another kind of device is left out."""
    torch.set_rng_state(state["random.cpu"])
    accelerator = state.get("random.accelerator")
    if accelerator is not None and device.type == "cuda":
        torch.cuda.set_rng_state(accelerator, device)
    elif accelerator is not None and device.type == "mps":
        torch.mps.set_rng_state(accelerator)


def bfloat16(device: torch.device) -> tuple[bool, str]:
    """Whether bfloat16 products are faster on a device than float32, and why."""
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return True, "the GPU has it"
        return False, "the GPU lacks it: emulated, slower than float32"
    if device.type == "mps":
        return False, "faster on some Macs, slower on others"
    if torch.cpu._is_avx512_bf16_supported():
        return True, "the processor has AVX-512 BF16"
    return False, "the processor lacks AVX-512 BF16: emulated, slower than float32"


@cache
def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether torch has a fast product of bfloat16 matrices on a device; on a processor without one it multiplies
    number by number, far slower than float32."""
    return device.type != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def stack_seconds(device: torch.device, width: int = 256, rows: int = 2048, steps: int = 5) -> float:
    """Seconds of one training step of a small feed-forward stack on a device, the median of a few."""
    with random_kept(device):
        layers = nn.Sequential(
            *(nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width)) for _ in range(6))
        ).to(device)
        x = torch.randn(rows, width, device=device)
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        layers(x).square().mean().backward()
        wait(device)
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[steps // 2]
