"""What measured figures are said to mean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seq2seq.measure.agreement import Agreement
from seq2seq.measure.devices import Diagnosis, Examined
from seq2seq.measure.findings import faster_from, findings, launch_bound_below, verdict
from seq2seq.measure.machine import this_machine
from seq2seq.measure.steps import SizeTiming, Timing


@pytest.mark.parametrize(
    ("curve", "below"),
    [
        ([(64, 10.0), (128, 10.5), (256, 12.0), (512, 20.0)], 256),
        ([(64, 10.0), (192, 13.9), (384, 30.0)], 192),  # thrice the batch may take two fifths longer
        ([(64, 10.0), (128, 18.0), (256, 18.0)], None),  # only what is so from the smallest on
        ([(64, 10.0)], None),
    ],
)
def test_launch_bound_is_where_a_larger_batch_costs_next_to_nothing(
    curve: list[tuple[int, float]], below: int | None
) -> None:
    assert launch_bound_below(curve) == below


def test_the_crossing_is_the_size_from_which_on_a_device_is_always_faster() -> None:
    cpu = [(64, 1.0), (128, 2.0), (256, 4.0), (512, 8.0)]
    assert faster_from([(64, 2.0), (128, 1.9), (256, 4.1), (512, 5.0), (1024, 99.0)], cpu) == 512
    assert faster_from([(64, 0.5), (128, 0.5), (256, 0.5), (512, 0.5)], cpu) == 64
    assert faster_from([(64, 0.5), (128, 0.5), (256, 0.5), (512, 8.0)], cpu) is None
    assert faster_from([(32, 0.5)], cpu) is None


def examined(name: str, milliseconds: dict[int, float], **changes: object) -> Examined:
    rows = [SizeTiming(size, size, Timing(each / 1000, each / 1000, 9)) for size, each in milliseconds.items()]
    return replace(Examined(name, "8 threads" if name == "cpu" else "GPU", "no", "float32", rows), **changes)  # type: ignore[arg-type]


def found(*devices: Examined, automatic: str = "cpu") -> Diagnosis:
    quiet = {**this_machine(), "load": 0.0, "processors": 2}
    return Diagnosis(quiet, "some", 1000, 512, "adamw", list(devices), automatic, "auto: because")


CURVE = {64: 10.0, 128: 20.0, 256: 40.0, 512: 80.0}


def said(*devices: Examined) -> str:
    return "\n".join(findings(found(*devices)))


def test_nothing_is_said_where_nothing_stands_out() -> None:
    assert said(examined("cpu", CURVE)) == ""


def test_a_gpu_is_set_beside_the_cpu() -> None:
    cpu = examined("cpu", CURVE)
    assert "trains faster than the CPU from 256 tokens per batch on, and slower below" in said(
        cpu, examined("mps", dict.fromkeys(CURVE, 30.0))
    )
    assert "from 64 tokens per batch on, the smallest tried; at 512 it is 8.0 times as fast" in said(
        cpu, examined("mps", dict.fromkeys(CURVE, 9.9) | {512: 10.0})
    )
    slow = said(cpu, examined("mps", {size: 2 * each for size, each in CURVE.items()}))
    assert "no faster than the CPU up to 512 tokens per batch, the largest tried; there a step takes 2.0 times" in slow
    assert "launch-bound" not in slow
    assert "mps: launch-bound below 512 tokens" in said(cpu, examined("mps", dict.fromkeys(CURVE, 30.0)))


def test_a_gpu_that_decodes_slowly_is_named() -> None:
    def row(milliseconds: float, texts: int) -> SizeTiming:
        return SizeTiming(texts, texts, Timing(milliseconds / 1000, milliseconds / 1000, 9))

    cpu = examined("cpu", CURVE, decoding=[row(1, 1), row(8, 16)])
    slow = said(cpu, examined("mps", CURVE, decoding=[row(3, 1), row(4, 16)]))
    assert "mps decodes one text at a time more slowly than the CPU: 3.0 ms per token, not 1.0 ms" in slow
    assert "16 texts" not in slow


def test_a_thread_that_is_faster_alone_is_named() -> None:
    alone = SizeTiming(512, 512, Timing(0.040, 0.040, 9))
    assert "one thread is faster than 8 threads: 40.0 ms" in said(examined("cpu", CURVE, one_thread=alone))


def test_unsteady_figures_explain_nothing() -> None:
    rows = [SizeTiming(size, size, Timing(0.01, 0.03, 9)) for size in CURVE]
    text = said(examined("cpu", {}, training=rows))
    assert "unsteady" in text and "launch-bound" not in text
    busy = found(examined("cpu", CURVE))
    assert "busy (load 3.0 on 2" in findings(replace(busy, machine={**busy.machine, "load": 3.0}))[0]


def test_the_verdict_says_which_device_to_avoid() -> None:
    wrong = Agreement("cuda", "cpu", loss=0.02, gradient=1e-6, logits=float("nan"), decoding=0.0, padded=True)
    both = found(examined("cpu", CURVE), examined("cuda", CURVE, agreement=wrong), automatic="cuda")
    taken, avoid = verdict(both)
    assert taken == "--device auto takes cuda (because)"
    assert avoid.startswith("Avoid cuda: the loss differs by 0.02 (allowed: 0.0001), the largest logit differs by nan")
