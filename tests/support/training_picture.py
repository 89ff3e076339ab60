"""The picture of a training screen that the front page shows, recorded from a real run in a terminal of its own.

    python -m tests.support.training_picture [--recipe NAME] [--validations 2] [--output tests/docs/training.svg]

The run trains for some seconds after the last of these validations, then it is stopped and discarded.
"""

from __future__ import annotations

import argparse
import io
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.support.documents import ROOT

PICTURE = ROOT / "tests" / "docs" / "training.svg"
COLUMNS, ROWS = 104, 40
_CONTROL = re.compile(r"(\n|\x1b\[\d*A|\x1b\[2K)")


def record(arguments: Sequence[str], enough: Callable[[str], bool], folder: Path) -> str:
    """What `seqx` with arguments wrote to a terminal, up to when it was enough or the end; it is then interrupted."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (ROWS, COLUMNS))
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "cli.main", *arguments],
        cwd=folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={
            **{name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")},
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "HF_HUB_OFFLINE": "1",
        },
    )
    os.close(slave)
    written = bytearray()
    try:
        while not enough(written.decode(errors="replace")):
            if not (chunk := os.read(master, 65536)):
                break
            written += chunk
    except OSError:  # the process has ended, and with it the terminal
        pass
    finally:
        process.send_signal(signal.SIGINT)
        os.close(master)
        process.wait()
    return written.decode(errors="replace")


def screen(written: str) -> list[Text]:
    """The lines that a terminal shows once all of this was written to it."""
    rows, row = [""], 0
    for part in _CONTROL.split(written.replace("\r", "")):
        if part == "\n":
            row += 1
            rows += [""] * (row == len(rows))
        elif part.endswith("A") and _CONTROL.fullmatch(part):
            row = max(0, row - int(part[2:-1] or 1))
        elif part == "\x1b[2K":
            rows[row] = ""
        else:
            rows[row] += part
    return [Text.from_ansi(each) for each in rows]


def bars(written: str) -> list[str]:
    """The lines of the screen that are a progress bar."""
    return [line.plain for line in screen(written) if re.match(r"step [\d,]+/[\d,]+ ", line.plain)]


def draw(lines: Sequence[Text], title: str) -> str:
    """Lines as an SVG of a terminal."""
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )
    for line in lines:
        console.print(line, overflow="fold")
    return console.export_svg(title=title, unique_id="seqx")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="fr-en-phrasebook")
    parser.add_argument("--validations", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=15.0, help="after the last validation")
    parser.add_argument("--output", type=Path, default=PICTURE)
    asked = parser.parse_args()
    validated: list[float] = []

    def enough(written: str) -> bool:
        if written.count("dev loss") >= asked.validations:
            validated.append(time.monotonic())
        late = bool(validated) and time.monotonic() > validated[0] + asked.seconds
        return late and bool(bars(written))

    with tempfile.TemporaryDirectory() as folder:
        written = record(["train", "--recipe", asked.recipe], enough, Path(folder))
    asked.output.write_text(draw(screen(written), f"seqx train --recipe {asked.recipe}"), encoding="utf-8")


if __name__ == "__main__":
    main()
