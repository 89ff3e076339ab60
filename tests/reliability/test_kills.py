"""Nothing is lost under kills: whatever the moment, the same command comes to the same end, to the bit."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import tiny
from tests.support.kill_harness import Kill, Place, Tally, assert_same, survive

LONGER = ["--set", "training.steps=20", "--set", "training.validate_every=5"]
LONG = ["--set", "training.steps=40", "--set", "training.validate_every=5"]
# Nothing random is left out: dropout is in both, sampled segmentations are in the one that can have them.
SAMPLED = ["--set", "tokenizer.sampling=0.2"]
TASKS = {"translator": lambda folder: [*tiny.arguments(folder), *SAMPLED], "running text": tiny.text_arguments}


@pytest.fixture(params=TASKS)
def arguments(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    make: Callable[[Path], list[str]] = TASKS[request.param]
    return make(tmp_path)


def told(tally: Tally, start: float) -> str:
    where = ", ".join(f"{name} {count}" for name, count in tally.hits.most_common())
    kills = sum(tally.hits.values())
    return f"{kills} kills survived by {tally.runs} training runs in {time.monotonic() - start:.0f} s: {where}"


def test_a_training_survives_kills(arguments: list[str], tmp_path: Path) -> None:
    assert sum(survive(tmp_path / "runs", [*arguments, *LONGER], 2, seed=1, a_run=2).hits.values()) >= 2


@pytest.mark.slow
def test_trainings_survive_many_kills(arguments: list[str], tmp_path: Path) -> None:
    start = time.monotonic()
    tally = survive(tmp_path / "runs", [*arguments, *LONG], 50, seed=2, a_run=8)
    sys.stdout.write("\n" + told(tally, start) + "\n")
    assert {"encoding", "checkpoint", "exporting", "training"} <= tally.hits.keys()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_at_any_moment_end_with_their_code_and_lose_nothing(
    arguments: list[str], tmp_path: Path, number: signal.Signals
) -> None:
    reference, place = (Place(tmp_path / name, [*arguments, *LONG]) for name in ("reference", "stopped"))
    seconds = reference.finish()
    moments = [Kill(seconds * share) for share in (0.1, 0.25, 0.4, 0.5, 0.6, 0.8)]
    moments += [Kill(0.001, "encoding"), Kill(0.001, "checkpoint"), Kill(0.001, "exporting"), Kill(0.001, "checkpoint")]
    for moment in moments:
        code = place.interrupted(moment, number)
        assert code in (None, 128 + number, -number)  # the last before the command has begun to train
        place.check(reference)
    place.finish()
    assert_same(place, reference)
