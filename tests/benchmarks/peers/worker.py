"""The process of one peer: builds what it needs, then works when it is told to, and says how long it took.

    python -m tests.benchmarks.peers.worker MODULE TASK SETTING.json

Reads a line of JSON for each piece of work, {"updates": N} or {"lines": [...], "alone": false}, and answers with one.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from tests.benchmarks.peers.setting import Translate, read


class Channel:
    """Answers go where standard output was; what the peer prints goes to standard error."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def answer(self, **values: Any) -> None:
        self._out.write(json.dumps(values) + "\n")
        self._out.flush()

    def next(self) -> dict[str, Any]:
        """What to do next; ends the process where nobody is left to ask, without the peer's goodbyes."""
        line = sys.stdin.readline()
        if not line:
            os._exit(0)
        found: dict[str, Any] = json.loads(line)
        return found


class Gate:
    """What a peer's training passes after each update: it lets through as many as are asked for, and times them.

    The first update is let through unasked: a peer that has made it is ready.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._wanted = 1
        self._tokens = self._updates = 0
        self._timer = Timer()

    def __call__(self, tokens: int) -> None:
        self._tokens += int(tokens)
        self._updates += 1
        if self._updates < self._wanted:
            return
        self._channel.answer(**self._timer.read(), tokens=self._tokens, updates=self._updates)
        self._wanted = self._channel.next()["updates"]
        self._tokens = self._updates = 0
        self._timer = Timer()


class Timer:
    """Wall-clock and processor seconds, of all threads, since it was made."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        return {
            "seconds": time.perf_counter() - self._wall,
            "cpu_seconds": time.process_time() - self._processor,
        }


def serve(channel: Channel, translate: Translate) -> NoReturn:
    """Translate what is asked for, all lines at once or one after another."""
    translate(["bonjour"])
    channel.answer(ready=True)
    while True:
        wanted = channel.next()
        timer = Timer()
        outputs = [translate([line])[0] for line in wanted["lines"]] if wanted["alone"] else translate(wanted["lines"])
        channel.answer(**timer.read(), outputs=outputs)


def main() -> None:
    module, task, path = sys.argv[1:]
    channel = Channel()
    setting = read(Path(path))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: setting.threads])
    peer: Any = importlib.import_module(f"tests.benchmarks.peers.{module}")
    if task == "train":
        train: Callable[..., None] = peer.train
        train(setting, Gate(channel))
        raise SystemExit("the training ended by itself")
    serve(channel, peer.translator(setting))


if __name__ == "__main__":
    main()
