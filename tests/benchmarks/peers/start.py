"""From nothing to the first translation: whole processes, started in turn, the disk warm."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks.peers import environments
from tests.benchmarks.peers.rounds import ROOT, Contestant, Failed, Worker, say
from tests.benchmarks.peers.setting import Setting

TEXT = "bonjour"


def run(contestants: Sequence[Contestant], settings: Sequence[Setting], folder: Path, rounds: int) -> None:
    """Time each contestant's process until it has translated a word, in turn; the first round warms up."""
    for turn in range(rounds + 1):
        for contestant, setting in zip(contestants, settings):
            if contestant.failure:
                continue
            start = time.perf_counter()
            try:
                _way(contestant, setting, folder)()
            except (Failed, environments.NotInstalled) as error:
                contestant.failure = str(error)
                say(f"{contestant.name}: left out: {error}")
                continue
            if turn:
                contestant.answers.append({"seconds": time.perf_counter() - start, "starts": 1})


def _way(contestant: Contestant, setting: Setting, folder: Path) -> Callable[[], None]:
    """The command of seqx as people type it; of a peer, its worker until it says that it is ready."""

    def command() -> None:
        engine = "torch" if contestant.peer.name == "seqx-torch" else "ctranslate2"
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", "translate", "--run", setting.run, "--engine", engine,
             "--precision", contestant.precision, TEXT],
            cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise Failed(done.stderr.strip())

    def worker() -> None:
        started = Worker(contestant, "translate", setting, folder)
        try:
            started.answer()
        finally:
            started.stop()

    return command if contestant.peer.name.startswith("seqx") else worker
