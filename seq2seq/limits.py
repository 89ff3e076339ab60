"""The threads and the memory that this process may use, by the system, the environment and the limits of a container.
No torch."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from seq2seq import torchrun
from seq2seq.errors import DeviceError

MOST_THREADS = 1024

CONTROL_GROUPS, OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_UNBOUNDED = 1 << 60  # version 1 of control groups writes "no limit" as a number about so large


def threads() -> int:
    """Threads to compute with on a CPU: OMP_NUM_THREADS where it is set, else the cores that this process may use,
    divided among the processes that torchrun started on this machine.

    Raises DeviceError where OMP_NUM_THREADS is no number of threads.
    """
    setting = os.environ.get("OMP_NUM_THREADS", "").strip()
    if not setting:
        place = torchrun.place()
        return max(1, _cores() // place.local_size) if place else _cores()
    first = setting.partition(",")[0].strip()  # OpenMP takes a list, a number for each level of nesting
    if not (first.isascii() and first.isdigit() and 0 < int(first) <= MOST_THREADS):
        raise DeviceError(
            f"OMP_NUM_THREADS = {setting[:80]}: not a number of threads; set it to 1 to {MOST_THREADS:,}, or unset it"
        )
    return int(first)


def memory() -> int:
    """Maximum bytes of main memory of this process; a very large number where the system does not tell."""
    try:
        own = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        own = 1 << 62
    return min([own, *(limit for limit, _ in _memory_limits())])


def memory_left() -> int | None:
    """Bytes of main memory that are free for this process; None where the system does not tell."""
    try:
        table = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    free = next(int(line.split()[1]) * 1024 for line in table.splitlines() if line.startswith("MemAvailable:"))
    return min([free, *(max(0, limit - used) for limit, used in _memory_limits())])


def _cores() -> int:
    """Cores by affinity and by the quotas of the container; part of a core is one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *(math.ceil(share) for share in _quotas())]))


def _quotas() -> Iterator[float]:
    """Cores' worth of time that each control group around this process may take, where it has a limit."""
    for folder in _groups("cpu"):
        quota, _, period = _text(folder / "cpu.max").partition(" ")  # version 2: "150000 100000" or "max 100000"
        if not quota:
            quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(period):
            yield int(quota) / int(period)


def _memory_limits() -> Iterator[tuple[int, int]]:
    """The limit of each control group around this process that has one, and the bytes in use; cached files, whose
    memory the system reclaims when needed, count as free."""
    for folder in _groups("memory"):
        for most, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
            limit, current = _text(folder / most), _text(folder / used)
            if limit.isdigit() and current.isdigit() and int(limit) < _UNBOUNDED:
                table = dict(line.split(" ", 1) for line in _text(folder / "memory.stat").splitlines() if " " in line)
                cached = table.get("total_inactive_file", table.get("inactive_file", "0"))
                yield int(limit), max(0, int(current) - int(cached))


def _groups(controller: str) -> Iterator[Path]:
    """The folders of the control groups of this process, from its own up to the root that it sees, for either version
    of control groups."""
    for line in _text(OWN_GROUPS).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = CONTROL_GROUPS / controller if controllers else CONTROL_GROUPS
        own = root / path.lstrip("/")  # as the machine names it; a container may not see that folder
        yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(root) and folder.is_dir())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
