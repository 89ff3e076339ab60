"""seqx's own routes, and the description of all."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

import seq2seq
from seq2seq.data.comparisons import ComparisonKind
from seq2seq.data.lines import PLAIN
from seq2seq.recipe import Data
from seq2seq.serving.settings import ServerSettings
from tests.support.servers import Served, serving


def test_classes_are_those_of_the_model(served: Served, runs) -> None:
    model = seq2seq.load(runs[2])
    texts = ["un chat", "", "deux chien rouge"]
    rows = httpx.post(f"{served.url}/classify", json={"text": texts}).json()
    for row, classified in zip(rows, model.classify(texts), strict=True):
        assert row["label"] == classified.label
        assert row["probabilities"] == pytest.approx(classified.probabilities, abs=1e-5)
    assert httpx.post(f"{served.url}/classify", json={"text": texts[0]}).json()["label"] == rows[0]["label"]
    assert httpx.post(f"{served.url}/classify", json={"text": "a", "other": "b"}).status_code == 400
    assert httpx.post(f"{served.url}/classify", json={"text": "a", "model": "fr-en"}).status_code == 404


def test_ratings_are_added_to_the_file_that_is_learnt_from(runs, tmp_path: Path) -> None:
    file = tmp_path / "ratings.jsonl"
    body = {"prompt": "what?", "chosen": "this", "rejected": "that"}
    with serving(runs[1], settings=ServerSettings(ratings=file)) as server:
        assert httpx.post(f"{server.url}/rate", json=body).json() == {"status": "ok"}
        assert httpx.post(f"{server.url}/rate", json={**body, "rejected": "this"}).status_code == 400
        assert httpx.post(f"{server.url}/rate", data=body).status_code == 400
    (record,) = ComparisonKind(Data()).file(file, PLAIN).read()
    assert (record.prompt[0].content, record.chosen, record.rejected) == ("what?", "this", "that")


def test_ratings_are_refused_without_a_file(served: Served) -> None:
    answer = httpx.post(f"{served.url}/rate", json={"prompt": "a", "chosen": "b", "rejected": "c"})
    assert answer.status_code == 403 and "--ratings" in answer.json()["error"]


def test_every_route_is_described(served: Served) -> None:
    described = httpx.get(f"{served.url}/openapi.json").json()
    assert described == httpx.get(f"{served.url}/spec").json()
    assert {"/translate", "/detect", "/v2/translate", "/v1/completions", "/classify", "/metrics"} <= {
        *described["paths"]
    }
    schema = described["paths"]["/translate"]["post"]["requestBody"]["content"]
    assert {"application/json", "application/x-www-form-urlencoded"} <= {*schema}


def test_metrics_count_requests_and_lines(runs) -> None:
    with serving(runs[0]) as server:
        httpx.post(f"{server.url}/translate", json={"q": ["un", "deux"], "source": "fr", "target": "en"})
        text = httpx.get(f"{server.url}/metrics").text
    assert 'seqx_requests_total{path="/translate",status="200"} 1.0' in text
    assert 'seqx_lines_total{model="fr-en"} 2.0' in text


def test_page_and_all_responses_allow_no_other_host(served: Served) -> None:
    page = httpx.get(served.url)
    assert page.status_code == 200 and "default-src 'none'" in page.headers["content-security-policy"]
    for part in ("style.css", "page.js", "words.js"):
        assert httpx.get(f"{served.url}/page/{part}").status_code == 200
    assert httpx.get(f"{served.url}/page/..%2fapp.py").status_code == 404


def test_a_method_that_a_path_does_not_serve_is_told_all_that_it_serves(served: Served) -> None:
    paths = [*httpx.get(f"{served.url}/openapi.json").json()["paths"], "/", "/page/{name}", "/openapi.json"]
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    assert {"/v2/usage", "/v2/languages", "/frontend/settings"} <= {*paths}
    with httpx.Client(base_url=served.url) as client:
        for path in paths:
            answers = {method: client.request(method, path) for method in methods}
            refused = {method for method, answer in answers.items() if answer.status_code == 405}
            allowed = {answers[method].headers["allow"] for method in refused}
            assert [{*each.split(", ")} for each in allowed] == [{*methods} - refused], path
