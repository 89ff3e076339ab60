"""A Hub that answers nothing, nonsense, or a byte at a time."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiktoken

from seq2seq.data import byte_pairs, hub
from seq2seq.data.timeouts import FEW, within
from seq2seq.errors import DataError

ROOT = Path(__file__).parents[2]


def _silence(connection: socket.socket) -> None:
    time.sleep(20)


def _drip(connection: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 400:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def _says(answer: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(answer)


ANSWERS: dict[str, tuple[Callable[[socket.socket], None], str]] = {
    "garbage": (_says(b"\x00\x1b[31mgarbage\xff\r\n\r\n"), "BadStatusLine: "),
    "a byte at a time": (_drip, "TimeoutError: nothing came for 0.5 seconds"),
    "silence": (_silence, "TimeoutError: "),
    "a closed connection": (_says(b""), "RemoteDisconnected"),
    "endless headers": (_says(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 5000), "HTTPException: got more than"),
    "redirects without end": (_says(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), "302 "),
    "an error of the server": (_says(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), "503 Busy"),
    "no such page": (_says(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), ""),
    "a page": (_says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), ""),
}


@pytest.fixture
def served() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """`served(answer)` is the address of a server that reads a request and answers so."""
    listening: list[socket.socket] = []

    def serve(answer: Callable[[socket.socket], None]) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def handle(connection: socket.socket) -> None:
            with connection:
                try:
                    connection.recv(1 << 16)
                    answer(connection)
                except OSError:
                    pass

        def accept() -> None:
            try:
                while True:
                    threading.Thread(target=handle, args=(server.accept()[0],), daemon=True).start()
            except OSError:
                pass

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield serve
    for server in listening:
        server.close()


@pytest.mark.parametrize("kind", ANSWERS)
def test_whatever_answers_there_is_a_reason_in_time(
    served: Callable[[Callable[[socket.socket], None]], str], kind: str
) -> None:
    answer, reason = ANSWERS[kind]
    start = time.monotonic()
    found = hub.why_unreachable(served(answer), timeout=0.5)
    assert time.monotonic() - start < 3
    assert (reason in found) if reason else not found
    assert found.isprintable()


def test_what_grows_may_take_its_time_and_what_stalls_may_not() -> None:
    size = 0

    def grow() -> str:
        nonlocal size
        for _ in range(8):
            time.sleep(0.05)
            size += FEW
        return "done"

    assert within(0.2, grow, lambda: size) == "done"
    with pytest.raises(TimeoutError, match=r"nothing came for 0\.1 seconds"):
        within(0.1, lambda: time.sleep(5), lambda: size)
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_the_reason_is_told_and_the_bundled_text_used(
    served: Callable[[Callable[[socket.socket], None]], str], tmp_path: Path
) -> None:
    """In a process of its own: the library reads the address once."""
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("HF_HUB_OFFLINE", "SEQX_DATA")},
        "HF_ENDPOINT": served(ANSWERS["garbage"][0]),
        "HF_HOME": str(tmp_path / "hf"),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cli.main", "data", "check", "gpt-shakespeare"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "cannot be fetched from the Hugging Face Hub (http://127.0.0.1:" in done.stderr
    assert "is out of reach: BadStatusLine: " in done.stderr
    assert "The bundled play is checked instead" in done.stderr
    assert done.stdout.startswith("play: bundled play")


def test_an_encoding_of_tiktoken_that_does_not_come_is_an_error_in_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: time.sleep(5))
    with pytest.raises(
        DataError, match=r"tiktoken encoding gpt2 could not be downloaded \(nothing came for 0\.2 seconds\)"
    ):
        byte_pairs.named("gpt2", timeout=0.2)
