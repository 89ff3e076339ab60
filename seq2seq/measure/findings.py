"""The figures of a diagnosis in sentences; only what was measured is reported."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from seq2seq.measure.devices import Diagnosis, Examined, TimingCurve
from seq2seq.measure.steps import SizeTiming

_NOTABLE = 0.1  # share of a step
_FLAT = 0.2  # a batch twice as large that takes less than this share longer is nearly free
_UNSTEADY = 1.5  # p90 over median
_BUSY = 0.5  # of the processors


def findings(diagnosis: Diagnosis) -> list[str]:
    """What limits the speed of each device, and what to do about it."""
    usable = [device for device in diagnosis.devices if device.training]
    cpu = next((device for device in usable if device.name == "cpu"), None)
    load, processors = diagnosis.machine["load"], diagnosis.machine["processors"]
    sentences = []
    if load is not None and load > _BUSY * processors:
        sentences.append(
            f"other programs keep this machine busy (load {load:.1f} on {processors} processors): alone it would be "
            "faster"
        )
    sentences += [sentence for device in usable for sentence in _of_one(device, diagnosis.batch_tokens)]
    for device in usable:
        if cpu is not None and device is not cpu:
            sentences += _beside_the_cpu(device, cpu, diagnosis.batch_tokens)
    return sentences


def verdict(diagnosis: Diagnosis) -> list[str]:
    """Which device to take."""
    automatic = f"--device auto takes {diagnosis.automatic} ({diagnosis.reason.removeprefix('auto: ')})"
    return [automatic, *(f"Avoid {device.name}: {device.fault}" for device in diagnosis.devices if device.fault)]


def _of_one(device: Examined, batch_tokens: int) -> Iterator[str]:
    usual = device.usual(batch_tokens)
    step = usual.timing.median
    bound = launch_bound_below(device.curve)
    if bound is not None and not any(_unsteady(row) for row in device.training):
        yield (
            f"{device.name}: launch-bound below {bound:,} tokens per batch: doubling a smaller batch takes less "
            "than a fifth longer, since most of the time goes into launching operations"
        )
    if device.one_thread and device.one_thread.timing.median < (1 - _NOTABLE) * step:
        yield (
            f"{device.name}: one thread is faster than {device.description}: {_ms(device.one_thread.timing.median)} "
            f"per step of {usual.size:,} tokens, not {_ms(step)}; set OMP_NUM_THREADS=1"
        )
    if _unsteady(usual):
        yield (
            f"{device.name}: unsteady: one step in ten takes over {usual.timing.p90 / step:.1f} times the median; is "
            "something else running?"
        )


def _beside_the_cpu(device: Examined, cpu: Examined, batch_tokens: int) -> Iterator[str]:
    theirs = dict(cpu.curve)
    if common := [(size, seconds) for size, seconds in device.curve if size in theirs]:
        first = faster_from(device.curve, cpu.curve)
        if first is None:
            size, seconds = common[-1]
            yield (
                f"{device.name} trains no faster than the CPU up to {size:,} tokens per batch, the largest tried; "
                f"there a step takes {seconds / theirs[size]:.1f} times as long"
            )
        elif first == common[0][0]:
            size, seconds = max((pair for pair in common if pair[0] <= batch_tokens), default=common[0])
            yield (
                f"{device.name} trains faster than the CPU from {first:,} tokens per batch on, the smallest tried; at "
                f"{size:,} it is {theirs[size] / seconds:.1f} times as fast"
            )
        else:
            yield f"{device.name} trains faster than the CPU from {first:,} tokens per batch on, and slower below"
    for mine, other in zip(device.decoding, cpu.decoding):
        if mine.timing.median > (1 + _NOTABLE) * other.timing.median:
            texts = "one text" if mine.size == 1 else f"{mine.size} texts"
            yield (
                f"{device.name} decodes {texts} at a time more slowly than the CPU: "
                f"{_ms(mine.timing.median)} per token, not {_ms(other.timing.median)}; translate and generate with "
                "--device cpu"
            )


def launch_bound_below(curve: TimingCurve) -> int | None:
    """The batch size below which launching operations takes most of the time, so that a larger batch is nearly free;
    None where even the smallest batches are bound by arithmetic."""
    reached = None
    for (small, fast), (large, slow) in pairwise(curve):
        if slow / fast - 1 > _FLAT * (large / small - 1):
            break
        reached = large
    return reached


def faster_from(curve: TimingCurve, other: TimingCurve) -> int | None:
    """The smallest common size from which on a device is the faster one; None where it is slower even at the
    largest."""
    theirs = dict(other)
    first = None
    for size, seconds in reversed([(size, seconds) for size, seconds in curve if size in theirs]):
        if seconds >= theirs[size]:
            break
        first = size
    return first


def _unsteady(row: SizeTiming) -> bool:
    return row.timing.p90 > _UNSTEADY * row.timing.median


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
