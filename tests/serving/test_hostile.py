"""Requests made to harm: each gets an answer at once, which is not that the server failed."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import httpx
import pytest

from seq2seq.serving.errors import Refused
from seq2seq.serving.markup import Markup
from seq2seq.serving.settings import ServerSettings
from tests.support.servers import Served, serving

PAIR = {"source": "fr", "target": "en"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x; charset=utf-7"}


def post(server: Served, path: str, body: bytes, **headers: str) -> httpx.Response:
    kind = {"Content-Type": "application/json"}
    return httpx.post(server.url + path, content=body, headers={**kind, **headers}, timeout=30)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/translate", b'{"q": "a", "source": "fr", "target": "\\ud800"}'),
        ("/translate", b'{"q": "\\udfff", "source": "fr", "target": "en"}'),
        ("/translate", b'{"q": "a", "\\ud800": 1}'),
        ("/translate", b"[" * 1_000_000),
        ("/translate", b'{"q": NaN}'),
        ("/translate", b"\xff"),
        ("/translate", b""),
        ("/v1/chat/completions", b'{"messages": [{"role": "user", "content": "\\ud800"}]}'),
        ("/v1/chat/completions", b'{"messages": ' + b"[" * 900 + b"]" * 900 + b"}"),
        ("/v1/completions", b'{"prompt": "a", "n": 128, "max_tokens": ' + b"9" * 4300 + b"}"),
        ("/v1/completions", b'{"prompt": "a", "top_p": 1e-300}'),
        ("/v1/completions", b'{"prompt": "a", "top_k": ' + b"9" * 30 + b"}"),
        ("/v1/completions", b'{"prompt": "a", "temperature": Infinity}'),
        ("/v1/completions", b'{"prompt": "a", "stop": ""}'),
        ("/v1/completions", b'{"prompt": "a", "echo": 0}'),
        ("/v1/completions", b'{"prompt": "a", "stream_options": {"include_all": true}}'),
        ("/classify", b'{"text": ["\\ud800"]}'),
    ],
)
def test_wrong_json_is_refused(served: Served, path: str, body: bytes) -> None:
    answer = post(served, path, body)
    assert answer.status_code == 400 and json.loads(answer.content)["error"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"q": [' + b"1," * 700_000 + b"1]}"),
        ("application/json", json.dumps(dict.fromkeys(map(str, range(100_000)))).encode()),
        ("application/json", b'{"' + b"k" * 1_000_000 + b'": 1}'),
        ("application/x-www-form-urlencoded", b"a&" * 900_000),
        ("application/x-www-form-urlencoded", b"q=%ff"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 20_000),
        ("multipart/form-data", b"no boundary"),
    ],
)
def test_a_million_items_get_one_short_answer(served: Served, kind: str, body: bytes) -> None:
    begun = time.process_time()  # of the server, too
    answer = post(served, "/translate", body, **{"Content-Type": kind})
    assert answer.status_code == 400 and len(answer.content) < 500
    assert time.process_time() - begun < 5


def test_a_file_is_no_text(served: Served) -> None:
    answer = httpx.post(f"{served.url}/translate", files={"q": ("un", b"chat")}, data=PAIR)
    assert answer.status_code == 400 and "q is a file" in answer.json()["error"]


def test_names_of_half_characters_are_refused(served: Served) -> None:
    head = 'Content-Disposition: form-data; name="file"; filename="+2AA-.txt"'
    body = f"--x\r\n{head}\r\n\r\nun\r\n--x--\r\n".encode()
    assert post(served, "/translate_file", body, **MULTIPART).status_code == 400


def test_a_file_keeps_its_name_out_of_the_headers(served: Served) -> None:
    files = {"file": ('a"\r\nSet-Cookie: x=1\r\n.txt', b"un chat")}
    answer = httpx.post(f"{served.url}/translate_file", files=files, data=PAIR).json()
    file = httpx.get(answer["translatedFileUrl"])
    assert file.status_code == 200 and "set-cookie" not in file.headers


def test_a_strange_name_of_a_host_is_no_failure(runs: list[Path]) -> None:
    with serving(runs[0], settings=ServerSettings(hosts=("*",))) as server:
        for path in ("/translate", "/translate/", "/v1/models"):
            assert post(server, path, b"{}", Host="[").status_code in (400, 404, 405)


@pytest.mark.parametrize(
    "html",
    [
        "<b>a" * 5000,
        "<b>a " * 3000 + "</b>" * 3000,
        "<b>a</b>,<br>" * 1300,
        "<b>" * 6600,
        "<a/" * 6600,
        "<a " * 6600,
        "<b><i></u>" * 2000,
        "<![if " * 3000 + ">",
        "<!" * 9999,
    ],
)
def test_html_of_any_depth_is_read_in_little_time(html: str) -> None:
    begun = time.process_time()
    try:
        markup = Markup(html)
    except Refused as refused:
        assert refused.status == 400
    else:
        assert markup.translated(markup.texts).startswith(("<b>", "&lt;"))
    assert time.process_time() - begun < 1


def test_html_of_many_texts_is_as_many_lines(served: Served) -> None:
    body = {"q": "<p>a</p>" * 1001, "format": "html", **PAIR}
    answer = httpx.post(f"{served.url}/translate", json=body)
    assert answer.status_code == 400 and "1,001 lines" in answer.json()["error"]


def test_a_key_that_nobody_asked_for_makes_no_new_client(runs: list[Path]) -> None:
    with serving(runs[0], settings=ServerSettings(per_minute=2)) as server:
        codes = [httpx.get(f"{server.url}/v1/models", headers={"X-API-Key": str(n)}).status_code for n in range(4)]
    assert codes == [200, 200, 429, 429]


def test_translated_files_are_forgotten_when_they_are_large(runs: list[Path]) -> None:
    with serving(runs[0], settings=ServerSettings(kept=60)) as server:
        urls = [
            httpx.post(f"{server.url}/translate_file", files={"file": ("a.html", b"<b></b>" * 5)}, data=PAIR).json()
            for _ in range(3)
        ]
        codes = [httpx.get(url["translatedFileUrl"]).status_code for url in urls]
    assert codes == [404, 404, 200]


def test_a_run_that_was_replaced_is_not_mixed_with_the_one_in_memory(runs: list[Path], tmp_path: Path) -> None:
    run = Path(shutil.copytree(runs[1], tmp_path / "verse"))
    body = {"prompt": "a", "max_tokens": 3, "seed": 1}
    with serving(run) as server:
        assert httpx.post(f"{server.url}/v1/completions", json=body).status_code == 200
        record = run / "run.json"
        record.write_text(record.read_text(encoding="utf-8").replace("{", '{"replaced": true, ', 1), encoding="utf-8")
        # The engine that has these options was not opened yet.
        other = httpx.post(f"{server.url}/v1/completions", json={**body, "repetition_penalty": 1.5})
        assert other.status_code == 503 and other.headers["retry-after"]
        assert httpx.get(f"{server.url}/health").status_code == 200
