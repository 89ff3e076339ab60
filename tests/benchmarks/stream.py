"""Resident memory of `seqx translate` while many lines go through it: python -m tests.benchmarks.stream --run RUN.

The lines are random words of the tiny corpus of the tests, or those of a file again and again. One row every 10,000
lines; at the end by how much the memory grew after the first 10,000.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from tests.support import tiny

EVERY = 10_000  # lines


def resident(process: int) -> float:
    """MiB of memory that a process has resident, as Linux tells."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {process} has ended")


def lines(file: Path | None) -> Iterator[bytes]:
    draw = random.Random(1)
    while True:
        if file is None:
            yield " ".join(draw.choices(list(tiny.WORDS), k=draw.randint(1, 12))).encode() + b"\n"
        else:
            with file.open("rb") as text:
                yield from text


def feed(pipe: IO[bytes], file: Path | None, count: int) -> None:
    with pipe:
        pipe.writelines(islice(lines(file), count))


def measure(run: Path, count: int, file: Path | None, more: list[str]) -> list[tuple[int, float, float]]:
    """(lines, seconds, MiB), every 10,000 lines. Raises RuntimeError where not as many lines come out as went in."""
    command = [sys.executable, "-m", "cli.main", "translate", "--run", str(run), "--quiet", *more]
    rows = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        threading.Thread(target=feed, args=(process.stdin, file, count), daemon=True).start()
        start, number = time.perf_counter(), 0
        for number, _ in enumerate(process.stdout, start=1):
            if number % EVERY == 0 and number < count:
                rows.append((number, time.perf_counter() - start, resident(process.pid)))
                print(f"{number:>9,} lines {rows[-1][1]:8.1f} s {rows[-1][2]:8.1f} MiB", flush=True)
    if number != count or process.returncode:
        raise RuntimeError(f"{count:,} lines in, {number:,} out, exit code {process.returncode}")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--input", type=Path, help="a text whose lines go through, again and again")
    parser.add_argument("options", nargs="*", help="more options of `seqx translate`, after --")
    given = parser.parse_args()
    rows = measure(given.run, given.lines, given.input, given.options)
    memory = [each for _, _, each in rows]
    print(
        f"after {EVERY:,} lines {memory[0]:.1f} MiB, at most {max(memory):.1f}, at the end {memory[-1]:.1f}: "
        f"grown by {max(memory) - memory[0]:.1f} MiB over {given.lines:,} lines"
    )


if __name__ == "__main__":
    main()
