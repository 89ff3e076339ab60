"""The page of attention: all that there is, whole in itself, and safe whatever the text."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from seq2seq.evaluation.parts import Page, PageSection
from seq2seq.report.attention_page import captioned, page
from seq2seq.report.page import html
from tests.support import reported
from tests.support.attention import of_translator


def data(text: str) -> Any:
    (part,) = (each for each in reported.Page(text).of("div") if "data-maps" in each)
    return json.loads(part["data-maps"])


def test_it_holds_the_weights_in_thousandths() -> None:
    attention = of_translator()
    found = data(page(attention, "runs/mine"))
    assert [each["kind"] for each in found] == ["cross", "decoder", "encoder"]
    for each, own in zip(found, attention.maps, strict=True):
        assert np.abs(np.array(each["layers"]) / 1000 - np.array(own.layers)).max() <= 0.0005 + 1e-9
        assert np.array_equal(np.array(each["mask"]) == 1, own.mask)
        assert len(each["queries"]) == len(own.queries) and len(each["keys"]) == len(own.keys)


@pytest.mark.parametrize(
    "evil",
    ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "'\"><b>", "<!--", "a' id='b", "\ud800"],
)
def test_no_text_becomes_markup(evil: str) -> None:
    attention = of_translator(evil, (evil, "</s>"), ("<s>", evil), output=evil)
    found = page(attention, evil)
    usual = page(of_translator("a", ("a", "</s>"), ("<s>", "a"), output="a"), "a")
    assert reported.Page(found).shapes == reported.Page(usual).shapes
    assert found.encode() and reported.Page(found).text.count("\\ud800" if evil == "\ud800" else evil) >= 4
    assert data(found)[0]["keys"] == ["\\ud800" if evil == "\ud800" else evil.replace(" ", "␣"), "</s>"]


def test_every_control_has_a_label_and_names_are_given_once() -> None:
    parts = [captioned(of_translator()), captioned(of_translator())]
    found = reported.Page(html(Page("two", "attention", (), [PageSection("Attention", parts)]))).elements
    names = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len({*names}) == len(names)
    controls = [attributes["id"] for tag, attributes in found if tag == "select"]
    assert len(controls) == 6 and controls == [attributes["for"] for tag, attributes in found if tag == "label"]
    labelled = [attributes["aria-labelledby"] for _, attributes in found if "aria-labelledby" in attributes]
    assert {*labelled} <= {*names}
