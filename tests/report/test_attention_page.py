"""The page of attention: whole in itself, and safe whatever the text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from seq2seq.report.attention_page import assets, page, section
from tests.support.attention import of_translator


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] == "script":
            self.scripts[-1] += data
        self.text += data


def data(text: str) -> Any:
    return json.loads(Elements(text).scripts[0])


def test_it_asks_no_host_for_anything() -> None:
    text = page(of_translator(), "runs/mine")
    for tag, attributes in Elements(text).found:
        assert not {"src", "href", "action"} & {*attributes}, tag
    assert "default-src 'none'" in text and not re.findall(r"https?://|url\(|@import|fetch\(|XMLHttp", text)


def test_it_holds_the_weights_in_thousandths() -> None:
    attention = of_translator()
    found = data(page(attention))["maps"]
    assert [each["kind"] for each in found] == ["cross", "decoder", "encoder"]
    for each, own in zip(found, attention.maps, strict=True):
        assert np.abs(np.array(each["layers"]) / 1000 - np.array(own.layers)).max() <= 0.0005 + 1e-9
        assert np.array_equal(np.array(each["mask"]) == 1, own.mask)
        assert len(each["queries"]) == len(own.queries) and len(each["keys"]) == len(own.keys)


@pytest.mark.parametrize(
    "evil", ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><b>', "<!--"]
)
def test_no_text_becomes_markup(evil: str) -> None:
    attention = of_translator(evil, (evil, "</s>"), ("<s>", evil), output=evil)
    text = page(attention, evil)
    usual = page(of_translator("a", ("a", "</s>"), ("<s>", "a"), output="a"), "a")
    assert [tag for tag, _ in Elements(text).found] == [tag for tag, _ in Elements(usual).found]
    assert Elements(text).text.count(evil) >= 3
    assert data(text)["maps"][0]["keys"] == [evil.replace("\n", "⏎").replace(" ", "␣"), "</s>"]


def test_every_control_has_a_label_and_names_are_given_once() -> None:
    both = f"<main>{section(of_translator())}{section(of_translator())}</main>{assets()}"
    found = Elements(both).found
    names = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len({*names}) == len(names)
    controls = [attributes["id"] for tag, attributes in found if tag == "select"]
    assert len(controls) == 6 and controls == [attributes["for"] for tag, attributes in found if tag == "label"]
    labelled = [attributes["aria-labelledby"] for _, attributes in found if "aria-labelledby" in attributes]
    assert {*labelled} <= {*names}
