"""`seqx` as a process of its own: what it does with streams, signals and terminals is seen in no other way."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.command import ROOT

SEQX = [sys.executable, "-P", "-m", "cli.main"]


def environment(**changes: str) -> dict[str, str]:
    """What such a process is started with."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **changes}


def start(*arguments: str | Path, **settings: Any) -> subprocess.Popen[bytes]:
    """Begin a command; `settings` of Popen."""
    return subprocess.Popen([*SEQX, *map(str, arguments)], **{"env": environment(), **settings})


class Terminal:
    """A command in a terminal of its own, and what that has shown."""

    def __init__(self, *arguments: str | Path, folder: Path, columns: int = 80) -> None:
        self.text = ""
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, columns))
        streams = {"stdin": slave, "stdout": slave, "stderr": slave}
        self.process = start(*arguments, **streams, cwd=folder, env=environment(TERM="xterm-256color", COLUMNS=""))
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._master)
        self.process.kill()
        self.process.wait()

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._master, text.encode() + b"\n")

    def until(self, pattern: str, seconds: float = 60.0) -> None:
        """Wait until it has shown something."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            assert time.monotonic() < end, self.text
            if select.select([self._master], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self._master, 1 << 16).decode(errors="replace")
                except OSError:  # the command has ended
                    assert re.search(pattern, self.text), self.text


def redirected(arguments: Sequence[str | Path], streams: str, folder: Path, **changes: str) -> Any:
    """Run a command whose streams a shell redirects, for example with `2>&-`."""
    return subprocess.run(
        ["bash", "-c", f'"$@" {streams}', "bash", *SEQX, *map(str, arguments)],
        cwd=folder,
        env=environment(**changes),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )


@contextmanager
def piped(*arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command in a process of its own, between pipes."""
    command = [sys.executable, "-m", "cli.main", *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()
