"""OpenAI's contract, by its own client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

import seq2seq
from tests.support.servers import Served

if TYPE_CHECKING:
    import openai


@pytest.fixture(scope="module")
def client(served: Served) -> openai.OpenAI:
    import openai

    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="any", max_retries=0)


def test_client_lists_models(client) -> None:
    assert [model.id for model in client.models.list()] == ["fr-en", "verse", "kinds"]


def test_completion_is_the_text_of_its_seed(client, runs) -> None:
    done = client.completions.create(model="verse", prompt="the ", max_tokens=20, temperature=0.7, top_p=0.9, seed=3)
    text = seq2seq.load(runs[1]).generate("the ", max_tokens=20, temperature=0.7, top_p=0.9, seed=3)
    assert done.choices[0].text == text
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens
    assert done.choices[0].finish_reason in ("stop", "length")


def test_stream_joins_to_the_same_text(client) -> None:
    asked = {"model": "verse", "prompt": "the ", "max_tokens": 30, "seed": 4, "temperature": 1.0}
    whole = client.completions.create(**asked)
    chunks = [*client.completions.create(**asked, stream=True, stream_options={"include_usage": True})]
    assert "".join(each.choices[0].text for each in chunks if each.choices) == whole.choices[0].text
    assert len({each.id for each in chunks}) == 1
    assert [each.choices[0].finish_reason for each in chunks if each.choices][-1] == whole.choices[0].finish_reason
    assert chunks[-1].usage == whole.usage


def test_stream_ends_with_done(served: Served) -> None:
    body = {"model": "verse", "prompt": "a", "max_tokens": 3, "stream": True}
    with httpx.stream("POST", f"{served.url}/v1/completions", json=body) as answer:
        events = answer.read().decode().split("\n\n")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert events[-2:] == ["data: [DONE]", ""]
    for event in events[:-2]:
        assert json.loads(event.removeprefix("data: "))["object"] == "text_completion"


def test_several_prompts_and_texts_each_are_in_order(client) -> None:
    asked = {"model": "verse", "max_tokens": 8, "seed": 5}
    several = client.completions.create(prompt=["the ", "a"], n=2, echo=True, **asked)
    assert [each.index for each in several.choices] == [0, 1, 2, 3]
    assert [each.text[:1] for each in several.choices] == ["t", "t", "a", "a"]
    alone = client.completions.create(prompt="the ", **asked)
    assert several.choices[0].text == "the " + alone.choices[0].text


def test_stop_ends_a_text_before_it(client) -> None:
    whole = client.completions.create(model="verse", prompt="the ", max_tokens=60, seed=6).choices[0].text
    stop = whole[10:12]
    cut = client.completions.create(model="verse", prompt="the ", max_tokens=60, seed=6, stop=[stop]).choices[0]
    assert cut.text == whole[: whole.index(stop)] and cut.finish_reason == "stop"


def test_errors_have_their_types(client, served: Served) -> None:
    import openai

    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.completions.create(model="other", prompt="a")
    with pytest.raises(openai.BadRequestError, match="does not continue text"):
        client.completions.create(model="fr-en", prompt="a")
    with pytest.raises(openai.NotFoundError, match="none here"):
        client.chat.completions.create(model="chatty", messages=[{"role": "user", "content": "hello"}])
    for wrong in ({"max_tokens": 3000}, {"temperature": -1}, {"logit_bias": {"1": 2}}, {"stop": [""]}, {"n": 0}):
        answer = httpx.post(f"{served.url}/v1/completions", json={"model": "verse", "prompt": "a", **wrong})
        assert answer.status_code == 400, wrong
        assert next(iter(wrong)) in answer.json()["error"]["message"]
