"""DeepL's contract, by its own client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

import seq2seq
from tests.support.servers import Served

if TYPE_CHECKING:
    import deepl


@pytest.fixture(scope="module")
def client(served: Served) -> deepl.DeepLClient:
    import deepl

    return deepl.DeepLClient("any key", server_url=served.url)


def test_client_translates_in_order(client, runs) -> None:
    lines = ["un chat rouge", "deux chiens", "un chat rouge"]
    done = client.translate_text(lines, source_lang="FR", target_lang="EN-US")
    assert [each.text for each in done] == seq2seq.load(runs[0]).translate(lines)
    assert {each.detected_source_lang for each in done} == {"FR"}


def test_client_translates_one_text_whose_language_is_found(client, runs) -> None:
    assert client.translate_text("un chat", target_lang="EN-GB").text == seq2seq.load(runs[0]).translate("un chat")


def test_client_translates_html(client) -> None:
    done = client.translate_text("<p>un <b>chat</b></p>", source_lang="FR", target_lang="EN-US", tag_handling="html")
    assert done.text.startswith("<p>") and done.text.endswith("</b></p>")


def test_client_lists_languages_and_usage(client) -> None:
    assert [each.code for each in client.get_source_languages()] == ["FR"]
    assert [each.code for each in client.get_target_languages()] == ["EN"]
    assert not client.get_usage().any_limit_reached


def test_what_is_not_offered_is_refused(client, served: Served) -> None:
    import deepl

    with pytest.raises(deepl.DeepLException, match="de is not supported"):
        client.translate_text("un chat", source_lang="FR", target_lang="DE")
    with pytest.raises(deepl.DeepLException, match="formality"):
        client.translate_text("un chat", source_lang="FR", target_lang="EN-US", formality="more")
    answer = httpx.post(f"{served.url}/v2/translate", json={"text": ["un"] * 51, "target_lang": "EN"})
    assert answer.status_code == 400 and "51 texts" in answer.json()["message"]
