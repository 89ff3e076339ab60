"""What the figures of a diagnosis mean, a sentence each; none where nothing was measured that says so."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from seq2seq.measure.devices import Curve, Diagnosis, Examined
from seq2seq.measure.steps import Row

_NOTABLE = 0.1  # share of a step
_FLAT = 0.2  # a batch twice as large that takes less than this share longer costs next to nothing
_UNSTEADY = 1.5  # p90 over median
_BUSY = 0.5  # of the processors


def findings(diagnosis: Diagnosis) -> list[str]:
    """Why the devices are as fast as they are, and what to do about it."""
    usable = [each for each in diagnosis.devices if each.training]
    cpu = next((each for each in usable if each.name == "cpu"), None)
    machine = diagnosis.machine
    sentences = []
    if machine.load is not None and machine.load > _BUSY * machine.processors:
        sentences.append(
            f"other programs keep this machine busy (load {machine.load:.1f} on {machine.processors} processors): "
            "alone it would be faster"
        )
    sentences += [sentence for each in usable for sentence in _of_one(each, diagnosis.batch_tokens)]
    for each in usable:
        if cpu is not None and each is not cpu:
            sentences += _beside_the_cpu(each, cpu, diagnosis.batch_tokens)
    return sentences


def verdict(diagnosis: Diagnosis) -> list[str]:
    """Which device to take."""
    taken = f"--device auto takes {diagnosis.automatic} ({diagnosis.reason.removeprefix('auto: ')})"
    return [taken, *(f"Avoid {each.name}: {each.fault}" for each in diagnosis.devices if each.fault)]


def _of_one(each: Examined, batch_tokens: int) -> Iterator[str]:
    usual = each.usual(batch_tokens)
    step = usual.timing.median
    bound = launch_bound_below(each.curve)
    if bound is not None and not any(_unsteady(row) for row in each.training):
        yield (
            f"{each.name}: launch-bound below {bound:,} tokens a batch: to double a smaller one takes less than a "
            "fifth longer, so that starting operations is what takes the time"
        )
    if each.one_thread and each.one_thread.timing.median < (1 - _NOTABLE) * step:
        yield (
            f"{each.name}: one thread is faster than {each.description}: {_ms(each.one_thread.timing.median)} a step "
            f"of {usual.size:,} tokens, not {_ms(step)}; set OMP_NUM_THREADS=1"
        )
    if _unsteady(usual):
        yield (
            f"{each.name}: unsteady: one step in ten takes over {usual.timing.p90 / step:.1f} times the median; is "
            "something else running?"
        )


def _beside_the_cpu(each: Examined, cpu: Examined, batch_tokens: int) -> Iterator[str]:
    theirs = dict(cpu.curve)
    common = [(size, seconds) for size, seconds in each.curve if size in theirs]
    if common:
        first = faster_from(each.curve, cpu.curve)
        size, seconds = max((pair for pair in common if pair[0] <= batch_tokens), default=common[0])
        if first is None:
            size, seconds = common[-1]
            yield (
                f"{each.name} trains no faster than the CPU up to {size:,} tokens a batch, the largest tried; there a "
                f"step takes {seconds / theirs[size]:.1f} times as long"
            )
        elif first == common[0][0]:
            yield (
                f"{each.name} trains faster than the CPU from {first:,} tokens a batch on, the smallest tried; at "
                f"{size:,} it is {theirs[size] / seconds:.1f} times as fast"
            )
        else:
            yield f"{each.name} trains faster than the CPU from {first:,} tokens a batch on, and slower below"
    for mine, other in zip(each.decoding, cpu.decoding):
        if mine.timing.median > (1 + _NOTABLE) * other.timing.median:
            texts = "one text" if mine.size == 1 else f"{mine.size} texts"
            yield (
                f"{each.name} decodes {texts} at a time more slowly than the CPU: {_ms(mine.timing.median)} a token, "
                f"not {_ms(other.timing.median)}; translate and generate with --device cpu"
            )


def launch_bound_below(curve: Curve) -> int | None:
    """The size below which a larger batch costs next to nothing, so that starting operations is what takes the time;
    None where even the smallest batches are bound by their arithmetic."""
    reached = None
    for (small, fast), (large, slow) in pairwise(curve):
        if slow / fast - 1 > _FLAT * (large / small - 1):
            break
        reached = large
    return reached


def faster_from(curve: Curve, other: Curve) -> int | None:
    """The smallest size from which on a device is the faster, of those that both were timed at; None where it is not,
    even at the largest."""
    theirs = dict(other)
    first = None
    for size, seconds in reversed([(size, seconds) for size, seconds in curve if size in theirs]):
        if seconds >= theirs[size]:
            break
        first = size
    return first


def _unsteady(row: Row) -> bool:
    return row.timing.p90 > _UNSTEADY * row.timing.median


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
