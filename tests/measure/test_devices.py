"""Choosing, examining and comparing devices: the CPU beside itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from seq2seq import device, recipe, tasks
from seq2seq.device import Numerics, Trial
from seq2seq.errors import DeviceError
from seq2seq.measure import agreement
from seq2seq.measure.devices import attempt, diagnose, time_sizes
from seq2seq.measure.steps import ModelSteps, SizeTiming, Stopwatch
from seq2seq.model import attention
from seq2seq.recipe import files as recipe_files
from tests.support import tiny
from tests.support.clock import Clock

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
TEXT, PAIRS = recipe_files.parse(tiny.TEXT_RECIPE, "tiny text"), recipe_files.parse(tiny.RECIPE, "tiny pairs")
JOINED = recipe_files.parse(
    tiny.RECIPE.replace("d_model", 'architecture = "decoder-only"\nd_model').replace(
        "max_length = 32\n[train", "max_length = 64\n[train"
    ),
    "tiny joined",
)


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


@pytest.mark.parametrize("wanted", [TEXT, PAIRS, JOINED], ids=lambda wanted: wanted.model.architecture)
def test_random_batches_are_as_the_recipe_has_them(wanted: recipe.Recipe) -> None:
    for budget in (1, 128, 1000):
        batch = tasks.of(wanted).workload().batch(budget)
        rows, length = batch.labels.shape
        assert rows == max(1, budget // length)
        assert batch.tokens == int((batch.labels != 0).sum())
        assert (batch.filled < batch.padded) is (wanted is not TEXT and rows > 1)
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
    found = diagnose(wanted, [CPU], quick=True, say=told.append)
    assert torch.equal(torch.get_rng_state(), random)
    (cpu,) = found.devices
    assert cpu.error == cpu.fault == ""
    sizes = [row.size for row in cpu.training]
    assert sizes == sorted(set(sizes)) and (sizes[-1] > wanted.training.batch_tokens or cpu.stopped)
    assert all(row.timing.median > 0 and row.tokens <= row.size for row in cpu.training)
    assert [row.size for row in cpu.decoding] == [1, 16]
    assert cpu.one_thread is None
    assert cpu.budget is not None and cpu.budget.batch_tokens > wanted.training.batch_tokens
    assert (found.automatic, found.reason) == ("cpu", "auto: no GPU here; 1 thread") or len(device.present()) > 1
    assert len(told) > 5


def test_the_cpu_is_also_timed_with_one_thread(two_threads: None) -> None:
    (cpu,) = diagnose(TEXT, [CPU], quick=True).devices
    assert cpu.one_thread is not None and cpu.one_thread.size == cpu.usual(TEXT.training.batch_tokens).size
    assert torch.get_num_threads() == 2


def test_a_large_batch_is_not_tried_where_time_is_up_or_memory_too_small() -> None:
    clock = Clock()

    class Slow(ModelSteps):
        """A step takes a second for every hundred tokens."""

        def training(self, batch_tokens: int, stopwatch: Stopwatch) -> SizeTiming:
            return SizeTiming(batch_tokens, batch_tokens, stopwatch.time(clock.takes(batch_tokens / 100)))

    steps = Slow(TEXT, Numerics(CPU, None))

    def timed(sizes: list[int], seconds: float, fits: int, end: float = 1e9) -> tuple[list[int], str]:
        rows: list[SizeTiming] = []
        stopwatch = Stopwatch(seconds, clock=clock)
        stopped = time_sizes(steps, sizes, rows, fits, stopwatch, end, lambda what: None)
        return [row.size for row in rows], stopped

    stopped = "800 tokens: a step would take about 8 s"
    assert timed([100, 200, 400, 800], 2, 10_000) == ([100, 200, 400], stopped)
    assert timed([100, 200], 9, 150) == ([100], "200 tokens: would not fit into memory")
    assert timed([100, 200], 9, 10_000, end=0.0) == ([100], "200 tokens: the time limit was reached")
    assert timed([100, 200], 9, 10_000) == ([100, 200], "")
