"""LibreTranslate's contract, by its own client and by the requests that programs send."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import httpx
import pytest
from libretranslatepy import LibreTranslateAPI

import seq2seq
from seq2seq import tasks
from seq2seq.device import choose
from seq2seq.lifecycle import packing
from seq2seq.tasks.alignment import Aligner
from tests.support.servers import Served, serving

LINES = ["un chat rouge", "deux chiens", "", "123", "trois chat deux"]


@pytest.fixture(scope="module")
def client(served: Served) -> LibreTranslateAPI:
    return LibreTranslateAPI(served.url)


def expected(runs: list[Path], lines: list[str]) -> list[str]:
    return seq2seq.load(runs[0]).translate(lines)


def test_client_translates_detects_and_lists_languages(client: LibreTranslateAPI, runs: list[Path]) -> None:
    assert client.translate("un chat rouge", "fr", "en") == expected(runs, ["un chat rouge"])[0]
    assert client.languages() == [{"code": "fr", "name": "French", "targets": ["en"]}]
    (found,) = client.detect("Où est la gare, s'il vous plaît ? Je voudrais un billet.")
    assert found["language"] == "fr" and 0 < found["confidence"] <= 100


def test_line_i_answers_line_i(served: Served, runs: list[Path]) -> None:
    answer = httpx.post(f"{served.url}/translate", json={"q": LINES, "source": "fr", "target": "en"}).json()
    assert answer == {"translatedText": expected(runs, LINES)}
    together = httpx.post(
        f"{served.url}/translate", json={"q": "\n".join(LINES), "source": "fr", "target": "en"}
    ).json()
    assert together == {"translatedText": "\n".join(expected(runs, LINES))}


def test_form_as_weblate_sends_it(served: Served, runs: list[Path]) -> None:
    form = {"q": "un chat", "source": "fr", "target": "en", "api_key": ""}
    answer = httpx.post(f"{served.url}/translate", data=form)
    assert answer.json()["translatedText"] == expected(runs, ["un chat"])[0]
    assert [each["code"] for each in httpx.get(f"{served.url}/languages").json()] == ["fr"]


def test_html_as_mastodon_sends_it(served: Served, runs: list[Path]) -> None:
    text = '<p>un chat <a href="https://example.org/x" class="mention">@un</a></p><p>deux &amp; trois</p>'
    answer = httpx.post(
        f"{served.url}/translate", json={"q": [text], "source": "auto", "target": "en", "format": "html"}
    ).json()
    one, two = expected(runs, ["un chat", "deux & trois"])
    (html,) = answer["translatedText"]
    assert f"<p>{one} <a" in html and two.replace("&", "&amp;") in html
    assert '<a class="mention" href="https://example.org/x">@un</a>' in html.replace(
        'href="https://example.org/x" class="mention"', 'class="mention" href="https://example.org/x"'
    )
    assert answer["detectedLanguage"][0]["language"] == "fr"


def test_a_sentence_with_tags_inside_is_translated_whole(served: Served, runs: list[Path]) -> None:
    html = 'un <a href="x">chat</a> <b>rouge <i>trois</i></b>'
    body = {"q": [f"<p>{html}</p>", "un chat"], "source": "fr", "target": "en", "format": "html", "alternatives": 1}
    answer = httpx.post(f"{served.url}/translate", json=body).json()
    whole, without_tags = answer["translatedText"]
    assert re.sub("<.*?>", "", whole) == expected(runs, ["un chat rouge trois"])[0]
    assert Counter(re.findall("<.*?>", whole)) == Counter(re.findall("<.*?>", f"<p>{html}</p>"))
    assert without_tags == expected(runs, ["un chat"])[0]
    assert {*re.findall("<.*?>", answer["alternatives"][0][0])} == {*re.findall("<.*?>", whole)}


def test_alignment_is_that_of_the_model(served: Served, runs: list[Path]) -> None:
    body = {"q": ["un chat rouge\n\ndeux", "trois"], "source": "fr", "target": "en", "alignment": True}
    answer = httpx.post(f"{served.url}/translate", json=body).json()
    aligner = Aligner(tasks.open_run(runs[0], "translate"), choose("cpu", "float32").numerics)
    for text, done, lines in zip(body["q"], answer["translatedText"], answer["alignment"], strict=True):
        for source, target, line in zip(text.split("\n"), done.split("\n"), lines, strict=True):
            assert (line["source_words"], line["target_words"]) == (source.split(), target.split())
            assert [tuple(link) for link in line["alignment"]] == aligner.align([(source, target)])[0]
    answer = httpx.post(f"{served.url}/translate", json={**body, "format": "html"})
    assert answer.status_code == 400 and "alignment" in answer.json()["error"]


def test_a_pack_without_weights_keeps_tags_and_has_no_alignment(runs: list[Path], tmp_path: Path) -> None:
    pack = tmp_path / "fr-en.seqx"
    packing.write(tasks.open_run(runs[0], "export"), pack)
    with serving(pack) as server:
        assert not httpx.get(f"{server.url}/models").json()["models"][0]["aligns"]
        body = {"q": "un <b>chat</b> rouge", "source": "fr", "target": "en"}
        html = httpx.post(f"{server.url}/translate", json={**body, "format": "html"}).json()["translatedText"]
        assert sorted(re.findall("<.*?>", html)) == ["</b>", "<b>"]
        answer = httpx.post(f"{server.url}/translate", json={**body, "alignment": True})
        assert answer.status_code == 400 and "alignment" in answer.json()["error"]


def test_alternatives_are_the_n_best(served: Served, runs: list[Path]) -> None:
    body = {"q": "un chat rouge", "source": "fr", "target": "en", "alternatives": 2}
    answer = httpx.post(f"{served.url}/translate", json=body).json()
    best = seq2seq.load(runs[0]).translate("un chat rouge", n_best=3)
    assert [answer["translatedText"], *answer["alternatives"]] == best


def test_confidence_is_of_words_that_join_to_the_text(served: Served) -> None:
    body = {"q": ["un chat rouge", "deux chien"], "source": "fr", "target": "en", "confidence": True}
    answer = httpx.post(f"{served.url}/translate", json=body).json()
    for text, lines in zip(answer["translatedText"], answer["confidence"], strict=True):
        words = [word for line in lines for word in line]
        assert "".join(word for word, _ in words) == text
        assert all(probability is None or 0 <= probability <= 1 for _, probability in words)
        assert any(probability is not None for _, probability in words)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"q": "un", "source": "zz", "target": "en"}, "zz is not supported"),
        ({"q": "un", "source": "fr", "target": "zz"}, "zz is not supported"),
        ({"q": "un", "source": "auto", "target": "zz"}, "zz is not supported"),
        ({"source": "fr", "target": "en"}, "Invalid request: missing q parameter"),
        ({"q": "un", "source": "fr"}, "Invalid request: missing target parameter"),
        ({"q": "un", "source": "fr", "target": "en", "formal": 1}, "formal is not supported"),
        ({"q": "un", "source": "fr", "target": "en", "format": "xml"}, "format"),
        ({"q": "un", "source": "fr", "target": "en", "alternatives": 1000}, "alternatives: at most 10"),
        ({"q": "u" * 20_001, "source": "fr", "target": "en"}, "exceeds text limit"),
        ({"q": "u\n" * 1001, "source": "fr", "target": "en"}, "lines"),
    ],
)
def test_what_cannot_be_answered_says_why(served: Served, body: dict[str, object], message: str) -> None:
    answer = httpx.post(f"{served.url}/translate", json=body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_files_are_translated_and_downloaded_once_named(served: Served, runs: list[Path]) -> None:
    content = b"1\n00:00:01,000 --> 00:00:02,000\nun chat\n"
    answer = httpx.post(
        f"{served.url}/translate_file",
        files={"file": ("film.srt", content)},
        data={"source": "fr", "target": "en"},
    ).json()
    file = httpx.get(answer["translatedFileUrl"])
    assert file.text == "\n".join(expected(runs, content.decode().split("\n")))
    assert "film_en.srt" in file.headers["content-disposition"]
    assert httpx.get(f"{served.url}/download_file/unknown").status_code == 404


@pytest.mark.parametrize(("name", "content"), [("a.docx", b"x"), ("a.txt", b"\xff\xfe\xfa"), ("", b"")])
def test_files_that_cannot_be_read_are_refused(served: Served, name: str, content: bytes) -> None:
    answer = httpx.post(
        f"{served.url}/translate_file", files={"file": (name, content)}, data={"source": "fr", "target": "en"}
    )
    assert answer.status_code == 400 and answer.json()["error"]


def test_settings_and_health(served: Served) -> None:
    settings = httpx.get(f"{served.url}/frontend/settings").json()
    assert settings["charLimit"] == 20_000 and settings["language"]["source"]["code"] == "fr"
    assert httpx.get(f"{served.url}/health").json() == {"status": "ok"}
