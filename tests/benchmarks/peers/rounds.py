"""Workers asked in turn, one at a time, so that whatever the machine does hits all alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import environments
from tests.benchmarks.peers.roster import Peer, Task
from tests.benchmarks.peers.setting import Setting

ROOT = Path(__file__).resolve().parents[3]


class Failed(Exception):
    """Why a worker gave no answer."""


@dataclass
class Contestant:
    """A peer at one precision, and what its worker answered."""

    peer: Peer
    precision: str
    answers: list[dict[str, Any]] = field(default_factory=list)
    alone: list[dict[str, Any]] = field(default_factory=list)  # lines translated one by one
    failure: str = ""

    @property
    def name(self) -> str:
        return f"{self.peer.name} {self.precision}"


class Worker:
    """The process of a contestant. Raises Failed, with the end of its log, where it does not answer."""

    def __init__(self, contestant: Contestant, task: Task, setting: Setting, folder: Path) -> None:
        self._log = folder / f"{task}-{contestant.name.replace(' ', '-')}.log"
        path = self._log.with_suffix(".json")
        setting.write(path)
        interpreter = environments.python(contestant.peer, folder)
        threads = str(setting.threads)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [interpreter, "-m", "tests.benchmarks.peers.worker", contestant.peer.module, task, str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "HF_HUB_OFFLINE": "1",
                     "TOKENIZERS_PARALLELISM": "false", "TQDM_DISABLE": "1"},
            )  # fmt: skip

    def ask(self, **work: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(work).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise Failed(self._last_words()) from error
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failed(self._last_words())
        found: dict[str, Any] = json.loads(line)
        return found

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
        said = [line for line in lines if "Error" in line] or [line for line in lines if line.strip()]
        return f"{said[-1] if said else 'it ended without a word'} (see {self._log})"


def run(
    contestants: Sequence[Contestant],
    task: Task,
    settings: Sequence[Setting],
    folder: Path,
    rounds: int,
    updates: int,
    lines: Sequence[str],
) -> None:
    """Start all, let each warm up by one round, then ask for round after round; who fails is left out from there on."""
    workers: dict[int, Worker] = {}
    for number, (contestant, setting) in enumerate(zip(contestants, settings)):
        start = time.perf_counter()
        try:
            workers[number] = Worker(contestant, task, setting, folder)
            workers[number].answer()
            say(f"{contestant.name}: ready after {time.perf_counter() - start:.1f} s")
        except (Failed, environments.NotInstalled) as error:
            _leave(contestant, str(error), workers.pop(number, None))
    for turn in range(rounds + 1):
        order = sorted(workers)
        first = turn % max(1, len(order))
        for number in order[first:] + order[:first]:
            contestant, worker = contestants[number], workers[number]
            try:
                if task == "train":
                    answers = [worker.ask(updates=updates)]
                else:
                    few = lines[turn % 10 :: max(1, len(lines) // 20)]
                    answers = [worker.ask(lines=lines, alone=False), worker.ask(lines=few, alone=True)]
            except Failed as error:
                _leave(contestant, str(error), workers.pop(number))
                continue
            if turn:  # the first warms up
                contestant.answers.append(answers[0])
                contestant.alone += answers[1:]
            say(f"round {turn} of {rounds}: {contestant.name}: {answers[0]['seconds']:.1f} s")
    for worker in workers.values():
        worker.stop()


def _leave(contestant: Contestant, reason: str, worker: Worker | None) -> None:
    contestant.failure = reason
    say(f"{contestant.name}: left out: {reason}")
    if worker:
        worker.stop()


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
