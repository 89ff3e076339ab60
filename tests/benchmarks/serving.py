"""Load on `seqx serve`: lines per second of many clients against one batch job, latency and memory.

    python -m tests.benchmarks.serving --run runs/fr-en --input test.fr [--clients 32]

The server and the clients share this machine, so that its rate includes the clients' own cost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx


def served(run: Path) -> tuple[subprocess.Popen[str], str, float]:
    """A server of a run -> its process, its address, and the seconds to its first answer."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "seq2seq", "serve", "--run", str(run), "--port", "0", "--max-waiting", "100000"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    url = next(line.split()[2].rstrip("/") for line in iter(process.stderr.readline, "") if line.startswith("Serving"))
    httpx.post(f"{url}/translate", json={"q": "bonjour", "source": "fr", "target": "en"}).raise_for_status()
    return process, url, time.perf_counter() - started


class Client:
    """A connection that asks for one translation after another. A small one: it shares the server's cores."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def of(cls, url: str) -> Client:
        host, _, port = url.removeprefix("http://").partition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def ask(self, line: str) -> float:
        """Seconds to the translation of a line."""
        body = json.dumps({"q": line, "source": "fr", "target": "en"}).encode()
        head = f"POST /translate HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        begun = time.perf_counter()
        self._writer.write(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        await self._reader.readexactly(int(answer.partition(b"content-length:")[2].partition(b"\r")[0]))
        if answer.split()[1] != b"200":
            raise RuntimeError(answer.decode())
        return time.perf_counter() - begun


async def load(url: str, lines: list[str], clients: int, per_second: float = 0) -> tuple[float, list[float]]:
    """Seconds for all lines, each a request of one of the clients, and the seconds of each; with `per_second` a request
    starts so often, if one of the clients is free."""
    left, begun = iter(enumerate(lines)), time.perf_counter()

    async def work(client: Client) -> list[float]:
        seconds = []
        for number, line in left:
            if per_second:
                await asyncio.sleep(max(0.0, begun + number / per_second - time.perf_counter()))
            seconds.append(await client.ask(line))
        return seconds

    done = await asyncio.gather(*[work(await Client.of(url)) for _ in range(clients)])
    return time.perf_counter() - begun, [each for seconds in done for each in seconds]


def batch_job(run: Path, path: Path) -> float:
    """Seconds of `seqx translate` for a file, without those of its start."""

    def timed(input: Path) -> float:
        begun = time.perf_counter()
        command = [sys.executable, "-m", "seq2seq", "translate", "--run", str(run), "--input", str(input)]
        subprocess.run([*command, "--output", os.devnull], check=True, capture_output=True)
        return time.perf_counter() - begun

    one = path.with_suffix(".one")
    one.write_text(path.read_text(encoding="utf-8").partition("\n")[0] + "\n", encoding="utf-8")
    return timed(path) - timed(one)


def memory(process: subprocess.Popen[str]) -> float:
    """Resident MiB of a process."""
    table = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in table.splitlines() if line.startswith("VmRSS"))) / 1024


def options(description: str | None, lines: int) -> argparse.ArgumentParser:
    """The options of every measurement of a server; so many lines by default."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--input", type=Path, required=True, help="source lines")
    parser.add_argument("--lines", type=int, default=lines)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--turns", type=int, default=5)
    return parser


def first_lines(path: Path, count: int) -> list[str]:
    """The first lines of a file that are not blank."""
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()][:count]


def main() -> None:
    parser = options(__doc__, lines=2000)
    parser.add_argument("--requests", type=int, default=0, help="requests of the test of memory")
    given = parser.parse_args()
    lines = first_lines(given.input, given.lines)
    path = Path("serving-benchmark.txt")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    process, url, first = served(given.run)
    try:
        print(f"first answer after {first:.2f} s; {memory(process):.0f} MiB")
        asyncio.run(load(url, lines[:200], given.clients))
        rates = []
        for turn in range(given.turns):
            job = len(lines) / batch_job(given.run, path)
            seconds, _ = asyncio.run(load(url, lines, given.clients))
            rates.append(len(lines) / seconds)
            print(f"turn {turn + 1}: batch job {job:.0f} lines/s, served {rates[-1]:.0f}, share {rates[-1] / job:.2f}")
        _, alone = asyncio.run(load(url, lines[:200], 1))
        _, quarter = asyncio.run(load(url, lines[:500], given.clients, statistics.median(rates) / 4))
        p95 = statistics.quantiles(quarter, n=20)[-1]
        print(
            f"alone {1000 * statistics.median(alone):.1f} ms; at a quarter of the load p95 {1000 * p95:.1f} ms: ",
            end="",
        )
        print(f"{p95 / statistics.median(alone):.1f} times")
        for count in range(0, given.requests, 5000):
            asyncio.run(load(url, (lines * (5000 // len(lines) + 1))[:5000], given.clients))
            print(f"after {count + 5000:,} requests: {memory(process):.0f} MiB")
    finally:
        process.terminate()
        process.wait()
        path.unlink()
        path.with_suffix(".one").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
