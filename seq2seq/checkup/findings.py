"""What the figures of a checkup mean, a sentence each; none where nothing was measured that says so."""

from __future__ import annotations

from collections.abc import Iterator

from seq2seq.checkup.bench import Row
from seq2seq.checkup.examine import Checkup, Examined
from seq2seq.checkup.timing import faster_from, launch_bound_below

_NOTABLE = 0.1  # share of a step
_LARGE = 0.3
_UNSTEADY = 1.5  # p90 over median
_BUSY = 0.5  # of the processors


def findings(checkup: Checkup) -> list[str]:
    """Why the devices are as fast as they are, and what to do about it."""
    usable = [each for each in checkup.devices if each.training]
    cpu = next((each for each in usable if each.name == "cpu"), None)
    machine = checkup.machine
    found = []
    if machine.load is not None and machine.load > _BUSY * machine.processors:
        found.append(
            f"other programs keep this machine busy (load {machine.load:.1f} on {machine.processors} processors): "
            "alone it would be faster"
        )
    found += [sentence for each in usable for sentence in _of_one(each, checkup.batch_tokens)]
    for each in usable:
        if cpu is not None and each is not cpu:
            found += _beside_the_cpu(each, cpu, checkup.batch_tokens)
    return found


def verdict(checkup: Checkup) -> list[str]:
    """Which device to take."""
    found = [f"--device auto takes {checkup.automatic} ({checkup.reason.removeprefix('auto: ')})"]
    for each in checkup.devices:
        if each.fault:
            found.append(f"Avoid {each.name}: {each.fault}")
    return found


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
    if each.reading and each.reading.gain > _NOTABLE * each.reading.other.median:
        yield (
            f"{each.name}: sync-bound where the loss is read after each step, which takes "
            f"{each.reading.gain / each.reading.other.median:.0%} longer; seqx reads it only to show it"
        )
    if each.optimiser and each.optimiser.other.median > _LARGE * step:
        yield (
            f"{each.name}: the optimiser takes {each.optimiser.other.median / step:.0%} of a step of {usual.size:,} "
            "tokens"
        )
    if each.optimiser and each.optimiser.gain > _NOTABLE * step:
        yield (
            f"{each.name}: optimiser-bound without the fused kernel, which seqx uses: "
            f"{_ms(each.optimiser.one.median)} a step in place of {_ms(each.optimiser.other.median)}"
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


def _unsteady(row: Row) -> bool:
    return row.timing.p90 > _UNSTEADY * row.timing.median


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
