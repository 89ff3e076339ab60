"""Clients that misbehave, and runs that change under the server: nothing accepted is lost, and the rest is answered."""

from __future__ import annotations

import concurrent.futures
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

import seq2seq
from seq2seq.serving.settings import ServerSettings
from tests.support.command import ROOT
from tests.support.servers import Served, named, serving

BODY = {"q": "un chat rouge", "source": "fr", "target": "en"}


def answers(server: Served, **more: object) -> httpx.Response:
    return httpx.post(f"{server.url}/translate", json={**BODY, **more}, timeout=30)


def raw(server: Served, data: bytes) -> socket.socket:
    """A connection that sent some bytes."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    connection.sendall(data)
    return connection


def status(connection: socket.socket) -> int:
    with connection:
        return int(connection.recv(4096).split()[1])


HEAD = b"POST /translate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def test_body_that_is_too_large_is_refused_before_it_is_read(served: Served) -> None:
    assert status(raw(served, HEAD + b"Content-Length: 104857600\r\n\r\n{")) == 413
    # Without a length, as many bytes as are allowed are read.
    connection = raw(served, HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    with connection:
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        try:
            for _ in range(1600):
                connection.sendall(chunk)
        except OSError:  # the server does not listen to the rest
            pass
    assert answers(served).status_code == 200


def test_half_a_body_is_given_up_in_time(runs: list[Path]) -> None:
    with serving(runs[0], settings=ServerSettings(seconds=0.5)) as server:
        started = time.monotonic()
        assert status(raw(server, HEAD + b'Content-Length: 100\r\n\r\n{"q": ')) == 408
        assert time.monotonic() - started < 10
        raw(server, HEAD + b'Content-Length: 100\r\n\r\n{"q": ').close()  # or the client leaves
        assert answers(server).status_code == 200


def test_an_answer_that_takes_too_long_is_refused_and_says_so(runs: list[Path]) -> None:
    with serving(runs[1], settings=ServerSettings(seconds=0.05, tokens=100_000)) as server:
        answer = httpx.post(
            f"{server.url}/v1/completions", json={"prompt": "a", "max_tokens": 50_000, "temperature": 100}
        )
        if answer.status_code != 200:  # unless the text ended by itself
            assert answer.status_code == 503 and answer.headers["retry-after"]


def test_client_that_leaves_frees_its_place(runs: list[Path]) -> None:
    settings = ServerSettings(tokens=10**9, waiting=0)
    body = {"prompt": "a", "max_tokens": 10**8, "temperature": 100, "stream": True, "stop": ["nowhere to be found"]}
    with serving(runs[1], settings=settings) as server:
        for _ in range(6):  # more than there are workers
            with httpx.stream("POST", f"{server.url}/v1/completions", json=body, timeout=30) as answer:
                assert answer.status_code == 200
                next(answer.iter_raw())
            time.sleep(0.2)


def test_client_that_does_not_read_is_given_up_in_time_and_the_others_are_answered(runs: list[Path]) -> None:
    settings = ServerSettings(tokens=10**9, seconds=1.0, waiting=0)
    body = json.dumps({"prompt": "a", "max_tokens": 10**8, "temperature": 100, "stream": True, "stop": ["not there"]})
    head = HEAD.replace(b"/translate", b"/v1/completions") + f"Content-Length: {len(body)}\r\n\r\n".encode()
    with serving(runs[0], runs[1], settings=settings) as server:
        slow = []
        for _ in range(3):  # more than there are workers
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(head + body.encode())
            slow.append(connection)
        try:
            assert answers(server).status_code == 200
            again = {"prompt": "a", "max_tokens": 1}
            until = time.monotonic() + 60
            while httpx.post(f"{server.url}/v1/completions", json=again, timeout=60).status_code == 503:
                assert time.monotonic() < until, "slow readers keep their places"
        finally:
            for connection in slow:
                connection.close()


def test_a_large_body_is_thrown_away_and_its_sender_is_told(served: Served) -> None:
    with raw(served, HEAD + b"Content-Length: 104857600\r\n\r\n") as connection:
        try:
            for _ in range(100):
                connection.sendall(bytes(1 << 20))
        except OSError:
            return  # closed at once
        assert connection.recv(100).split()[1] == b"413"
    assert answers(served).status_code == 200


def test_pipelined_requests_are_answered_in_order(served: Served, runs: list[Path]) -> None:
    texts = ["un", "deux chats", "trois"]
    sent = b""
    for text in texts:
        body = json.dumps({**BODY, "q": text}).encode()
        sent += HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    with raw(served, sent) as connection, connection.makefile("rb") as answered:
        for text in texts:
            length = 0
            while (line := answered.readline().strip().lower()) != b"":
                length = int(line.split()[1]) if line.startswith(b"content-length:") else length
            assert json.loads(answered.read(length)) == {"translatedText": seq2seq.load(runs[0]).translate(text)}


def test_requests_over_the_queue_are_refused_and_the_others_answered(runs: list[Path]) -> None:
    settings = ServerSettings(waiting=4, gather=0.2)
    with serving(runs[0], settings=settings) as server, concurrent.futures.ThreadPoolExecutor(16) as pool:
        done = [*pool.map(lambda number: answers(server, q=f"un chat {number}"), range(16))]
    codes = {answer.status_code for answer in done}
    assert codes <= {200, 503} and 200 in codes
    for answer in done:
        assert answer.status_code == 200 or int(answer.headers["retry-after"]) > 0


def test_clients_at_once_each_get_their_own_answer(served: Served, runs: list[Path]) -> None:
    words = ["un", "deux", "trois", "quatre", "chat", "chien", "rouge"]
    texts = [f"{one} {two}" for one in words for two in words]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        done = [*pool.map(lambda text: answers(served, q=text).json()["translatedText"], texts)]
    assert done == seq2seq.load(runs[0]).translate(texts)


def test_wrong_requests_beside_right_ones_harm_none(served: Served) -> None:
    wrong = [{"q": ["a"] * 2000}, {"q": 3}, {"source": "xx"}, {"alternatives": -1}, {"nothing": 1}]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = [*pool.map(lambda n: answers(served, **(wrong[n % 5] if n % 2 else {})).status_code, range(40))]
    assert done == [400 if number % 2 else 200 for number in range(40)]


def test_many_idle_connections_leave_place_for_others(served: Served) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 6000:
        pytest.skip("this system allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 6000), hard))
    idle = []
    try:
        for _ in range(2000):
            idle.append(socket.create_connection(("127.0.0.1", served.port), timeout=20))
        assert answers(served).status_code == 200
    finally:
        for each in idle:
            each.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_run_that_is_deleted_goes_on_or_says_so(trained: Path, trained_text: Path, tmp_path: Path) -> None:
    runs = [named(trained, tmp_path, "fr-en"), named(trained_text, tmp_path, "verse")]
    with serving(*runs) as server:
        before = answers(server).json()
        for run in runs:
            shutil.rmtree(run)
        assert answers(server).json() == before
        answer = httpx.post(f"{server.url}/v1/completions", json={"prompt": "a", "max_tokens": 3})
        assert answer.status_code in (200, 503)
        assert answers(server).json() == before


def test_keys_are_asked_for_and_requests_counted(runs: list[Path]) -> None:
    with serving(runs[0], settings=ServerSettings(keys=("secret", "other"), per_minute=3)) as server:
        assert answers(server).status_code == 403
        assert answers(server, api_key="wrong").status_code == 403
        assert httpx.get(f"{server.url}/v1/models").status_code == 401
        assert httpx.get(f"{server.url}/health").status_code == 200
        assert answers(server, api_key="secret").status_code == 200
        key = {"Authorization": "DeepL-Auth-Key other"}
        assert httpx.get(f"{server.url}/v2/languages", headers=key).status_code == 200
        codes = [answers(server, api_key="secret").status_code for _ in range(4)]
        assert codes == [200, 200, 429, 429]
        assert httpx.get(f"{server.url}/v2/languages", headers=key).status_code == 200  # another client


def test_names_of_other_hosts_and_pages_of_other_sites_get_nothing(runs: list[Path]) -> None:
    settings = ServerSettings(hosts=("127.0.0.1",), origins=("https://good.example",))
    with serving(runs[0], settings=settings) as server:
        assert httpx.get(server.url, headers={"Host": "evil.example"}).status_code == 400
        for origin, allowed in (("https://good.example", True), ("https://evil.example", False)):
            answer = httpx.get(f"{server.url}/languages", headers={"Origin": origin})
            assert ("access-control-allow-origin" in answer.headers) == allowed


def test_command_serves_and_drains_at_sigterm(runs: list[Path]) -> None:
    command = [sys.executable, "-m", "seq2seq", "serve", "--run", str(runs[1]), "--port", "0", "--max-tokens", "3000"]
    process = subprocess.Popen(
        [*command, "--log-requests"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stderr
    try:
        lines = iter(process.stderr.readline, "")
        url = next(line.split()[2].rstrip("/") for line in lines if line.startswith("Serving at"))
        body = {"prompt": "a", "max_tokens": 3000, "temperature": 1.0, "stream": True}
        assert httpx.get(f"{url}/health?q=secret").status_code == 200
        ended = threading.Event()
        with httpx.stream("POST", f"{url}/v1/completions", json=body, timeout=60) as answer:
            pieces = answer.iter_text()
            first = next(pieces)
            process.send_signal(signal.SIGTERM)
            rest = "".join(pieces)
            ended.set()
        assert (first + rest).endswith("data: [DONE]\n\n")
        assert process.wait(30) == 0
        logged = process.stdout.read()
        assert '"GET /health HTTP/1.1" 200' in logged and "secret" not in logged
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def test_port_that_is_taken_is_named(seqx, runs: list[Path], served: Served) -> None:  # type: ignore[no-untyped-def]
    done = seqx("serve", "--run", runs[0], "--port", str(served.port))
    assert done.code == 2 and str(served.port) in done.err
