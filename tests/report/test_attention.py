"""Pictures of attention: every layer and head, or those asked for; any text."""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest

from seq2seq.decoding.attention import Attention
from seq2seq.report.attention import picture
from tests.support.attention import drawn, of_translator


def texts(svg: bytes) -> Counter[str]:
    """The texts of a picture."""
    root = ElementTree.fromstring(svg)
    return Counter("".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text"))


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_all_layers_and_heads_are_in_it_with_their_means_and_masks() -> None:
    found = texts(picture(of_translator(), "svg", name="runs/mine"))
    assert found["runs/mine"] == found["où est la gare ?"] == found["Where is it?"] == 1
    assert found["layer 1"] == found["layer 2"] == 3 and found["layer 3"] == 1  # of the encoder
    assert [found[name] for name in ("mean", "head 1", "head 2", "head 3", "mask")] == [3] * 5
    for title in ("Cross-attention", "Self-attention of the decoder", "Self-attention of the encoder"):
        assert found[title] == 1
    assert found["où"] and found["…re"] and found["Where"] and found["</s>"]


def test_one_layer_and_head_is_a_large_panel_with_its_numbers() -> None:
    attention = of_translator()
    assert attention.cross is not None
    found = texts(picture(attention, "svg", kinds=("cross",), layer=2, head=3))
    assert found["layer 2"] == found["head 3"] == found["mask"] == 1
    assert not found["layer 1"] and not found["mean"] and not found["Self-attention of the decoder"]
    for weight in attention.cross.layers[1][2].flat:
        if weight >= 0.01:
            assert found[f"{100 * weight:.0f}"]


def test_more_heads_are_wider_and_more_layers_higher() -> None:
    usual, wide, high = (
        size(picture(of_translator(layers=layers, heads=heads))) for layers, heads in ((2, 3), (2, 8), (6, 3))
    )
    assert wide[0] > usual[0] and wide[1] == usual[1]
    assert high[1] > usual[1] and high[0] == usual[0]


def test_a_picture_is_the_same_each_time_and_asks_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "matplotlibrc").write_text("figure.facecolor: red\nfont.size: 40\n")
    monkeypatch.chdir(tmp_path)
    for form in ("png", "svg"):
        assert picture(of_translator(), form) == picture(of_translator(), form)  # type: ignore[arg-type]
    svg = picture(of_translator(), "svg").decode()
    assert not re.findall(r'(?:href|src)="(?!data:|#)', svg) and "url(http" not in svg


@pytest.mark.parametrize(
    "token", ["$x^2$", "<script>", "日本", "مرحبا", "🙂", "\n", "\x1b[2J", "\t", "a" * 60, "%d", "\\frac", "&amp;"]
)
def test_any_text_is_drawn_as_it_is(token: str) -> None:
    """Without a warning, which would be an error here."""
    attention = of_translator(f"{token} {token}", (token, "▁b", "</s>"), ("<s>", token, "b"), output=token)
    assert size(picture(attention))
    found = texts(picture(attention, "svg"))
    assert not [text for text in found if "\x1b" in text or "\n" in text]


@pytest.mark.parametrize("length", [1, 2, 40, 300])
def test_any_length_is_drawn_in_bounds(length: int) -> None:
    tokens = [f"▁w{number}" for number in range(length)]
    gpt = Attention("w " * length, "", decoder=drawn("decoder", tokens, tokens, layers=2, heads=2, causal=True))
    width, height = size(picture(gpt))
    assert 300 < width < 2000 and 200 < height < 2000
