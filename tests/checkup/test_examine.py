"""Timing, choosing and comparing devices: by a clock that the tests turn, and the CPU beside itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle

import pytest
import torch
from torch import Tensor

from seq2seq import device, limits, recipe
from seq2seq.checkup import agreement, examine, memory, random_batches
from seq2seq.checkup.agreement import Agreement
from seq2seq.checkup.bench import Bench, Row
from seq2seq.checkup.examine import Checkup, Examined
from seq2seq.checkup.findings import findings, verdict
from seq2seq.checkup.machine import this_machine
from seq2seq.checkup.timing import Comparison, Stopwatch, Timing, faster_from, launch_bound_below
from seq2seq.checkup.trial import attempt
from seq2seq.device import Numerics, Trial
from seq2seq.errors import DeviceError
from seq2seq.model import attention
from seq2seq.recipe import files as recipe_files
from tests.support import tiny

CPU, MPS, CUDA = torch.device("cpu"), torch.device("mps"), torch.device("cuda")
TEXT, PAIRS = recipe_files.parse(tiny.TEXT_RECIPE, "tiny text"), recipe_files.parse(tiny.RECIPE, "tiny pairs")
JOINED = recipe_files.parse(
    tiny.RECIPE.replace("d_model", 'architecture = "decoder-only"\nd_model').replace(
        "max_length = 32\n[train", "max_length = 64\n[train"
    ),
    "tiny joined",
)


class Clock:
    """Time that passes only where a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def takes(self, *seconds: float) -> Callable[[], None]:
        """Something that takes so long, the durations in turn."""
        durations = cycle(seconds)

        def pass_time() -> None:
            self.now += next(durations)

        return pass_time


@pytest.fixture
def clock() -> Clock:
    return Clock()


def stopwatch(clock: Clock, seconds: float, most: int = 30) -> Stopwatch:
    return Stopwatch(seconds, most, clock)


def test_the_first_steps_do_not_count(clock: Clock) -> None:
    durations = iter([9.0, 9.0, 9.0, *[1.0] * 9, 5.0])

    def step() -> None:
        clock.now += next(durations)

    assert stopwatch(clock, 100, most=10).time(step) == Timing(median=1.0, p90=1.0, steps=10)


def test_timing_ends_when_time_is_up_and_always_has_one_step(clock: Clock) -> None:
    assert stopwatch(clock, 6.5).time(clock.takes(1.0)).steps == 7 - 3
    assert stopwatch(clock, 0.5).time(clock.takes(40.0)) == Timing(40.0, 40.0, 1)


def test_waiting_counts_and_preparing_does_not(clock: Clock) -> None:
    timed = stopwatch(clock, 100, most=3).time(clock.takes(1.0), wait=clock.takes(0.25), before=clock.takes(7.0))
    assert timed.median == 1.25


def test_compared_steps_take_turns_so_that_a_slow_time_slows_both(clock: Clock) -> None:
    slow = cycle([1.0] * 4 + [10.0] * 2)  # two steps of each at usual speed, then one of each at a tenth

    def step(seconds: float) -> Callable[[], None]:
        def pass_time() -> None:
            clock.now += seconds * next(slow)

        return pass_time

    found = stopwatch(clock, 1e9, most=27).compare(step(1.2), step(1.0))
    assert (found.one.median, found.other.median) == pytest.approx((1.2, 1.0))


def test_a_gain_is_claimed_only_where_the_steps_do_not_overlap() -> None:
    assert Comparison(Timing(3, 3.2, 9), Timing(2, 2.4, 9)).gain == 1
    assert Comparison(Timing(3, 3.2, 9), Timing(2, 3.1, 9)).gain == 0
    assert Comparison(Timing(2, 2.1, 9), Timing(3, 3.1, 9)).gain == 0


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


def trials(**tried: Trial) -> Callable[[torch.device], Trial]:
    return lambda where: tried[where.type]


def test_auto_takes_cuda_without_a_trial() -> None:
    assert device.automatic({"cpu": "8 threads", "cuda": "Some GPU"}, trials()) == (CUDA, "auto: Some GPU")


@pytest.mark.parametrize(
    ("mps", "cpu", "taken"),
    [
        (Trial(0.010), Trial(0.020), "mps"),
        (Trial(0.020), Trial(0.010), "cpu"),
        (Trial(0.010, "the loss differs"), Trial(0.020), "cpu"),
        (Trial(0.010), Trial(0.020, "nobody asks"), "mps"),
    ],
)
def test_auto_takes_mps_where_it_is_faster_and_right(mps: Trial, cpu: Trial, taken: str) -> None:
    chosen, reason = device.automatic({"cpu": "8 threads", "mps": "the Mac's GPU"}, trials(mps=mps, cpu=cpu))
    assert chosen == torch.device(taken)
    assert mps.fault in reason and ("10.0 ms" in reason) is (not mps.fault)


def test_auto_alone_takes_the_cpu() -> None:
    assert device.automatic({"cpu": "8 threads"}, trials()) == (CPU, "auto: no GPU here; 8 threads")


def test_choosing_draws_no_random_numbers() -> None:
    state = torch.get_rng_state()
    device.stack_seconds(CPU, width=4, rows=2)
    assert attempt(TEXT)(CPU).seconds > 0
    device.choose("auto", attempt=attempt(PAIRS))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_device_that_fails_is_tried_and_found_wanting() -> None:
    tried = attempt(TEXT)(torch.device("meta"))
    assert tried.fault and tried.seconds == float("inf")
    if not torch.backends.mps.is_available():
        with pytest.raises(DeviceError, match=r"no such device; it has cpu"):
            device.named("mps")


def examined(name: str, milliseconds: dict[int, float], **changes: object) -> Examined:
    rows = [Row(size, size, Timing(each / 1000, each / 1000, 9)) for size, each in milliseconds.items()]
    return replace(Examined(name, "8 threads" if name == "cpu" else "GPU", "no", "float32", rows), **changes)  # type: ignore[arg-type]


def test_the_verdict_goes_by_what_was_measured_at_the_recipes_batch() -> None:
    both = [examined("cpu", {64: 1, 512: 20, 1024: 40}), examined("mps", {64: 5, 512: 10, 1024: 99})]
    tell = examine.told(both, 512, trials())
    assert tell(CPU) == Trial(0.020) and tell(MPS) == Trial(0.010)
    assert examine.told(both, 600, trials())(MPS) == Trial(0.010)
    wrong = examined("mps", {512: 10}, error="no kernel")
    assert examine.told([both[0], wrong], 512, trials())(MPS) == Trial(0.010, "no kernel")
    assert examine.told(both[:1], 512, trials(mps=Trial(7)))(MPS) == Trial(7)  # what was not measured is tried


def found(*devices: Examined, automatic: str = "cpu") -> Checkup:
    quiet = replace(this_machine(), load=0.0, processors=2)
    return Checkup(quiet, "some", 1000, 512, "adamw", list(devices), automatic, "auto: because")


CURVE = {64: 10.0, 128: 20.0, 256: 40.0, 512: 80.0}


def said(*devices: Examined) -> str:
    return "\n".join(findings(found(*devices)))


def test_nothing_is_said_where_nothing_stands_out() -> None:
    assert said(examined("cpu", CURVE)) == ""


def test_a_gpu_is_set_beside_the_cpu() -> None:
    cpu = examined("cpu", CURVE)
    assert "trains faster than the CPU from 256 tokens a batch on, and slower below" in said(
        cpu, examined("mps", dict.fromkeys(CURVE, 30.0))
    )
    assert "from 64 tokens a batch on, the smallest tried; at 512 it is 8.0 times as fast" in said(
        cpu, examined("mps", dict.fromkeys(CURVE, 9.9) | {512: 10.0})
    )
    slow = said(cpu, examined("mps", {size: 2 * each for size, each in CURVE.items()}))
    assert "no faster than the CPU up to 512 tokens a batch, the largest tried; there a step takes 2.0 times" in slow
    assert "launch-bound" not in slow
    assert "mps: launch-bound below 512 tokens" in said(cpu, examined("mps", dict.fromkeys(CURVE, 30.0)))


def test_a_gpu_that_decodes_slowly_is_named() -> None:
    def row(milliseconds: float, texts: int) -> Row:
        return Row(texts, texts, Timing(milliseconds / 1000, milliseconds / 1000, 9))

    cpu = examined("cpu", CURVE, decoding=[row(1, 1), row(8, 16)])
    slow = said(cpu, examined("mps", CURVE, decoding=[row(3, 1), row(4, 16)]))
    assert "mps decodes one text at a time more slowly than the CPU: 3.0 ms a token, not 1.0 ms" in slow
    assert "16 texts" not in slow


def test_what_takes_the_time_is_named() -> None:
    def compared(one: float, other: float) -> Comparison:
        return Comparison(Timing(one, one, 9), Timing(other, other, 9))

    assert "sync-bound" in said(examined("mps", CURVE, reading=compared(0.9, 0.8)))
    assert "sync-bound" not in said(examined("mps", CURVE, reading=compared(0.85, 0.8)))
    bound = said(examined("mps", CURVE, optimiser=compared(0.050, 0.030)))
    assert "the optimiser takes 38% of a step of 512 tokens" in bound
    assert "optimiser-bound without the fused kernel, which seqx uses: 50.0 ms a step in place of 30.0 ms" in bound
    assert said(examined("mps", CURVE, optimiser=compared(0.022, 0.020))) == ""
    alone = Row(512, 512, Timing(0.040, 0.040, 9))
    assert "one thread is faster than 8 threads: 40.0 ms" in said(examined("cpu", CURVE, one_thread=alone))


def test_unsteady_figures_explain_nothing() -> None:
    rows = [Row(size, size, Timing(0.01, 0.03, 9)) for size in CURVE]
    text = said(examined("cpu", {}, training=rows))
    assert "unsteady" in text and "launch-bound" not in text
    busy = found(examined("cpu", CURVE))
    assert "busy (load 3.0 on 2" in findings(replace(busy, machine=replace(busy.machine, load=3.0)))[0]


def test_the_verdict_says_which_device_to_avoid() -> None:
    wrong = Agreement("cuda", "cpu", loss=0.02, gradient=1e-6, logits=float("nan"), decoding=0.0, padded=True)
    both = found(examined("cpu", CURVE), examined("cuda", CURVE, agreement=wrong), automatic="cuda")
    taken, avoid = verdict(both)
    assert taken == "--device auto takes cuda (because)"
    assert avoid.startswith("Avoid cuda: the loss differs by 0.02 (allowed: 0.0001), the largest logit differs by nan")


@pytest.mark.parametrize("wanted", [TEXT, PAIRS, JOINED], ids=lambda wanted: wanted.model.architecture)
def test_random_batches_are_as_the_recipe_has_them(wanted: recipe.Recipe) -> None:
    for budget in (1, 128, 1000):
        batch = random_batches.of_recipe(wanted, budget)
        rows, length = batch.labels.shape
        assert rows == max(1, budget // length)
        assert batch.tokens == int((batch.labels != 0).sum())
        assert (batch.filled < batch.padded) is (wanted.task == "translation" and rows > 1)
    assert wanted is not PAIRS or batch.inputs[1] is not None  # the sources are masked


@pytest.mark.parametrize("wanted", [TEXT, PAIRS, JOINED], ids=lambda wanted: wanted.model.architecture)
def test_the_cpu_agrees_with_itself(wanted: recipe.Recipe) -> None:
    found = agreement.compare(wanted, CPU)
    assert found.fault == "" and found.against == "one thread"
    assert found.padded is (wanted is not TEXT)


def test_a_device_that_forgets_the_padding_is_found_out(monkeypatch: pytest.MonkeyPatch, two_threads: None) -> None:
    right = attention.attend

    def wrong(query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        """Attention that is right with one thread only."""
        return right(query, key, value, mask=mask if torch.get_num_threads() == 1 else None, causal=causal)

    monkeypatch.setattr(attention, "attend", wrong)
    fault = agreement.compare(PAIRS, CPU).fault
    assert "the gradient differs" in fault and "cached decoding differs" in fault
    assert agreement.compare(TEXT, CPU).fault == ""  # nothing is padded there


@pytest.fixture
def two_threads(use_threads: Callable[[int], None]) -> None:
    use_threads(2)


@pytest.mark.parametrize("wanted", [TEXT, PAIRS, JOINED], ids=lambda wanted: wanted.model.architecture)
def test_a_device_is_examined_and_nothing_is_left_behind(wanted: recipe.Recipe) -> None:
    random, told = torch.get_rng_state(), []
    found = examine.examine(wanted, [CPU], quick=True, progress=told.append)
    assert torch.equal(torch.get_rng_state(), random)
    (cpu,) = found.devices
    assert cpu.error == cpu.fault == ""
    sizes = [row.size for row in cpu.training]
    assert sizes == sorted(set(sizes)) and (sizes[-1] > wanted.training.batch_tokens or cpu.stopped)
    assert all(row.timing.median > 0 and row.tokens <= row.size for row in cpu.training)
    assert [row.size for row in cpu.decoding] == [1, 16]
    assert cpu.one_thread is None and cpu.reading is None and cpu.optimiser is not None
    assert cpu.budget is not None and cpu.budget.batch_tokens > wanted.training.batch_tokens
    assert (found.automatic, found.reason) == ("cpu", "auto: no GPU here; 1 thread") or len(device.present()) > 1
    assert len(told) > 5


def test_the_cpu_is_also_timed_with_one_thread(two_threads: None) -> None:
    (cpu,) = examine.examine(TEXT, [CPU], quick=True).devices
    assert cpu.one_thread is not None and cpu.one_thread.size == cpu.usual(TEXT.training.batch_tokens).size
    assert torch.get_num_threads() == 2


def test_a_large_batch_is_not_tried_where_time_is_up_or_memory_too_small(clock: Clock) -> None:
    class Slow(Bench):
        """A bench on which a step takes a second for every hundred tokens."""

        def training(self, batch_tokens: int, stopwatch: Stopwatch) -> Row:
            return Row(batch_tokens, batch_tokens, stopwatch.time(clock.takes(batch_tokens / 100)))

    def sweep(sizes: list[int], seconds: float, fits: int, end: float = 1e9) -> list[tuple[Row | None, str]]:
        budget = memory.Budget(fits, "")
        bench = Slow(TEXT, Numerics(CPU, None))
        return list(examine._sweep(bench, sizes, budget, stopwatch(clock, seconds), end, lambda what: None))

    *rows, (last, stopped) = sweep([100, 200, 400, 800], 2, 10_000)
    assert [row.size for row, _ in rows if row] == [100, 200, 400]
    assert last is None and stopped == "800 tokens: a step would take about 8 s"
    assert sweep([100, 200], 9, 150)[-1] == (None, "200 tokens: they would not fit into memory")
    assert sweep([100, 200], 9, 10_000, end=0.0)[-1] == (None, "200 tokens: time was up")
    assert all(row for row, _ in sweep([100, 200], 9, 10_000))


def test_reading_the_loss_is_compared_with_leaving_it() -> None:
    found = Bench(TEXT, Numerics(CPU, None)).reading(64, Stopwatch(0.2, most=2))
    assert found.one.median > 0 and found.other.median > 0


def test_the_kernels_of_attention_are_those_that_it_takes() -> None:
    short = Bench(PAIRS, Numerics(CPU, None)).attention(64)
    assert short == ("two products and a softmax", "flash")  # one text is decoded
    long = TEXT.model_copy(update={"model": TEXT.model.model_copy(update={"max_length": 256})})
    assert Bench(long, Numerics(CPU, None)).attention(256) == ("flash", "flash")


def test_what_a_token_keeps_does_not_depend_on_the_batch() -> None:
    bench = Bench(TEXT, Numerics(CPU, None))
    few, many = bench.bytes_a_token(1), bench.bytes_a_token(512)
    assert few == pytest.approx(many, rel=0.02)
    widths = TEXT.model.decoder_layers * TEXT.model.d_model * 4
    assert few > 5 * widths  # every sub-layer keeps several states


def test_an_estimate_of_the_largest_batch_leaves_room_for_the_weights() -> None:
    there, _ = memory.room(CPU)
    assert 0 < there <= limits.memory()
    budget = memory.estimated_budget(0, 1024.0, CPU).batch_tokens
    assert budget == pytest.approx(there * memory.FULL / 1024, rel=0.6) and budget < there / 1024
    assert memory.estimated_budget(there, 1024.0, CPU).batch_tokens == 0


def test_the_largest_batch_is_found_by_doubling(clock: Clock) -> None:
    def step(tokens: int) -> int:
        clock.now += 1
        if tokens > 5000:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return 10 * tokens

    measured = memory.measured_budget(step, 100, 10**6, seconds=60, clock=clock)
    assert measured.batch_tokens == 3200 and "at 6,400 memory ran out" in measured.how
    assert memory.measured_budget(step, 100, 10**4, seconds=60, clock=clock).batch_tokens == 800  # 90 % of 10⁴
    assert memory.measured_budget(step, 100, 10**6, seconds=2.5, clock=clock).batch_tokens == 400

    def broken(tokens: int) -> int:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        memory.measured_budget(broken, 100, 10**6, seconds=60, clock=clock)
