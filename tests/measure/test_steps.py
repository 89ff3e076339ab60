"""Timing by a clock that the tests turn, and updates of the real loop on given batches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from seq2seq import device
from seq2seq.device import Numerics
from seq2seq.measure.steps import ModelSteps, Spread, Stopwatch, Timing, rounds
from seq2seq.recipe import files as recipe_files
from tests.support import tiny
from tests.support.clock import Clock

CPU = Numerics(torch.device("cpu"), None)


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


def test_waiting_for_a_step_counts(clock: Clock) -> None:
    waited: Iterator[float] = iter([7.0, 0.25] * 9)

    def wait() -> None:
        clock.now += next(waited)

    assert stopwatch(clock, 100, most=3).time(clock.takes(1.0), wait).median == 1.25


def test_rounds_end_when_time_is_up(clock: Clock) -> None:
    counted = []
    for number in rounds(2.5, most=9, clock=clock):
        counted.append(number)
        clock.now += 1
    assert counted == [0, 1, 2]
    assert (
        len(list(rounds(-1.0, most=9, least=2, clock=clock))) == 2 and len(list(rounds(1.0, most=9, clock=clock))) == 9
    )


def test_spread_is_the_median_and_the_tenths() -> None:
    spread = Spread.of([float(value) for value in range(11, 0, -1)])
    assert (spread.median, spread.p10, spread.p90, spread.rounds) == (6, 2, 10, 11)
    assert Spread.of([3.0]).p10 == Spread.of([3.0]).p90 == 3.0


def test_an_update_whose_batch_had_to_be_cut_is_no_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = ModelSteps(recipe_files.parse(tiny.RECIPE, "tiny"), CPU)
    plain = steps.model.hidden

    def cramped(*inputs: torch.Tensor) -> torch.Tensor:
        if inputs[0].numel() > 60:
            raise torch.OutOfMemoryError("out of memory")
        return plain(*inputs)

    monkeypatch.setattr(steps.model, "hidden", cramped)
    with pytest.raises(RuntimeError, match="had to be cut") as caught:
        steps.updates()(steps.workload.batch(100))
    assert device.out_of_memory(caught.value)  # type: ignore[arg-type]
