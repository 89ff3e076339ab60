"""Trains by the command, kills it, looks at what is left, and gives the same command again."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from seq2seq.interop.ctranslate2 import copy as ctranslate2_copy
from seq2seq.run import Run
from seq2seq.storage.tensors import read_weights
from seq2seq.training.checkpoints import checkpoint
from tests.support import preloaded

# A server that has imported all that the command imports forks each process: a kill then hits work, not imports.
_SERVER = multiprocessing.get_context("forkserver")
# What is being written, by the name that it has meanwhile, under the folder of runs.
WRITINGS = {
    "encoding": ".cache/.*.partial",
    "checkpoint": "run/checkpoints/.step-*.partial",
    "final weights": "run/.model.safetensors.partial",
    "exporting": "run/.ctranslate2.*.partial",
    "another file": "run/.*.partial",
}
_TIMES = {"seconds", "modified", "device", "time"}


@dataclass(frozen=True)
class Kill:
    """When to kill: so many seconds after the start, or after something begins to be written."""

    seconds: float
    writing: str | None = None


@dataclass
class Tally:
    """How a series of kills went."""

    hits: Counter[str] = field(default_factory=Counter)  # by what was being done
    runs: int = 0


class Place:
    """A folder of runs, and the command that trains the run in it."""

    def __init__(self, root: Path, arguments: Sequence[str]) -> None:
        self.root = root
        self.run = root / "run"
        device = () if "--device" in arguments else ("--device", "cpu")
        self._arguments = ["train", *arguments, "--run", str(self.run), *device]
        root.mkdir(parents=True, exist_ok=True)

    def finish(self) -> float:
        """Give the command, and let it come to its end: seconds that it took."""
        process, said = self._start()
        start = time.monotonic()
        process.join()
        assert process.exitcode == 0, read_all(said)
        return time.monotonic() - start

    def refused(self, largest: int | None = None) -> str:
        """Give the command, which must end as an error of one line: the line. No file may grow beyond `largest` bytes:
        what a full disk looks like to whoever writes."""
        process, said = self._start(largest)
        process.join()
        text = read_all(said)
        assert process.exitcode == 1, text
        assert "Traceback" not in text and text.splitlines()[-1].startswith("seqx: "), text
        return text.splitlines()[-1]

    def interrupted(self, kill: Kill, number: signal.Signals = signal.SIGKILL) -> int | None:
        """Give the command, and send a signal: the exit code, or None where the command was faster."""
        process, _ = self._start()
        assert process.pid is not None
        if kill.writing is not None:
            self._until(lambda: any(self.root.glob(WRITINGS[kill.writing or ""])), process)
        ends = time.monotonic() + kill.seconds
        self._until(lambda: time.monotonic() >= ends, process)
        alive = process.is_alive()
        if alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        process.join()
        return process.exitcode if alive and process.exitcode != 0 else None

    def doing(self) -> str:
        """What the process was doing when it was killed, by what it left."""
        for name, pattern in WRITINGS.items():
            if any(self.root.glob(pattern)):
                return name
        run = Run(self.run)
        if not (self.run / "recipe.toml").is_file():
            return "before the run folder"
        if run.finished:
            return "judging" if "ctranslate2" in run.record() else "checking the export"
        return "training" if checkpoint.steps(run.checkpoints) else "preparing"

    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return "test" in Run(self.run).record().get("scores", {})

    def ahead(self) -> list[str]:
        """What is still to be written."""
        run = Run(self.run)
        still = {
            "encoding": not any(self.root.glob(".cache/[!.]*")),
            "checkpoint": not run.weights.is_file(),
            "final weights": not run.weights.is_file(),
            "exporting": "ctranslate2" not in run.record(),
        }
        return [name for name, ahead in still.items() if ahead]

    def check(self, reference: Place) -> None:
        """What is there under its own name is whole."""
        run = Run(self.run)
        if (self.run / "recipe.toml").is_file():
            run.recipe()
        for step in checkpoint.steps(run.checkpoints):
            folder = checkpoint.folder(run.checkpoints, step)
            files = [path.name for path in folder.glob("*.safetensors")]
            assert "weights.safetensors" in files
            checkpoint.state_of(folder, files)
            read_weights(folder / "weights.safetensors")
        rows(run.metrics, whole=False)
        rows(run.updates, whole=False)
        rows(run.faults, whole=False)
        if run.finished:
            assert run.weights.read_bytes() == Run(reference.run).weights.read_bytes()
        if run.weights.is_file() and ctranslate2_copy.read(self.run) is not None:
            assert files_of(self.run / "ctranslate2").keys() == files_of(reference.run / "ctranslate2").keys()
        for tokens in self.root.glob(".cache/[!.]*"):
            assert files_of(tokens) == files_of(reference.root / ".cache" / tokens.name)

    def _start(self, largest: int | None = None) -> tuple[ForkServerProcess, Connection]:
        """The process, and what it will have said: less than a pipe holds."""
        _start_server()
        said, says = _SERVER.Pipe(duplex=False)
        process = _SERVER.Process(target=_train, args=(self._arguments, str(self.root), largest, says))
        process.start()
        says.close()
        return process, said

    def _until(self, condition: Callable[[], bool], process: ForkServerProcess) -> None:
        while process.is_alive() and not condition():
            time.sleep(0.0003)


@cache
def _start_server() -> None:
    """Come back when it serves, which it does once it has imported all."""
    _SERVER.set_forkserver_preload([preloaded.__name__])
    first = _SERVER.Process(target=time.monotonic)
    first.start()
    first.join()


def _train(arguments: list[str], root: str, largest: int | None, says: Connection) -> None:
    from cli import main
    from tests.support.command import APP

    main.app = APP  # type: ignore[assignment]
    os.setpgid(0, 0)
    os.environ["SEQX_RUNS"] = root
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch

    torch.set_num_threads(1)
    os.dup2(says.fileno(), 1)
    os.dup2(says.fileno(), 2)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    if largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    sys.argv = ["seqx", *arguments]
    main.main()


def read_all(said: Connection) -> str:
    """What a process that has ended said."""
    with os.fdopen(os.dup(said.fileno()), encoding="utf-8") as file:
        return file.read()


def rows(path: Path, *, whole: bool) -> list[dict[str, Any]]:
    """The lines of a log, without times; the last one may be cut where it is not the log of a whole run."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8", errors="strict" if whole else "replace").split("\n")
    assert not whole or lines[-1] == ""
    return [timeless(json.loads(line)) for line in lines[:-1]]


def timeless(value: Any) -> Any:
    """JSON values without what differs between two equal training runs."""
    if isinstance(value, dict):
        return {key: timeless(each) for key, each in value.items() if key not in _TIMES}
    return [timeless(each) for each in value] if isinstance(value, list) else value


def files_of(folder: Path) -> dict[str, bytes]:
    """The files under a folder and what is in them."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_same(place: Place, reference: Place) -> None:
    """Two finished run folders, and their caches, are the same but for times."""
    one, other = files_of(place.root), files_of(reference.root)
    assert one.keys() == other.keys()
    for name in one.keys() - {"run/.lock"}:
        if name.endswith(("run.json", "copy.json")):
            assert timeless(json.loads(one[name])) == timeless(json.loads(other[name])), name
        elif name.endswith("state.json"):
            found, expected = (json.loads(each[name])["memory"] for each in (one, other))
            assert timeless(found) == timeless(expected), name
        elif name.endswith(".jsonl") and "test" not in name:
            assert rows(place.root / name, whole=True) == rows(reference.root / name, whole=True), name
        elif not name.endswith((".lock", "report.html")):  # a report shows times, and where the run is
            assert one[name] == other[name], name


def next_kill(draw: random.Random, place: Place, seconds: float) -> Kill:
    """A moment of a life of so many seconds; or while something is being written that is still ahead."""
    aims = place.ahead()
    if draw.random() < 0.4 or not aims:
        return Kill(draw.uniform(0, seconds))
    return Kill(draw.choice((0, draw.uniform(0, 0.003), draw.uniform(0, 0.03))), draw.choice(aims))


def survive(root: Path, arguments: Sequence[str], wanted: int, *, seed: int, a_run: int) -> Tally:
    """Kill training runs until `wanted` kills have hit, `a_run` of each at most; all end as the uninterrupted one."""
    reference = Place(root / "reference", arguments)
    seconds = reference.finish()
    draw, tally = random.Random(seed), Tally()
    while sum(tally.hits.values()) < wanted:
        place = Place(root / f"killed{tally.runs}", arguments)
        hits = 0
        while hits < a_run and not place.complete():
            if place.interrupted(next_kill(draw, place, seconds)) is not None:
                hits += 1
                tally.hits[place.doing()] += 1
                place.check(reference)
        place.finish()
        assert_same(place, reference)
        shutil.rmtree(place.root)
        tally.runs += 1
    return tally
