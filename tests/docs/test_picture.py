"""The picture of the front page shows what a training run shows."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

pytest.importorskip("pty")

from tests.support import tiny
from tests.support.training_picture import COLUMNS, PICTURE, bars, draw, record, screen

# What a training screen says, wherever it is recorded.
SHOWN = (
    r"Device: ",
    r"Training text: ",
    r"Tokenizer: bpe, [\d,]+ tokens",
    r"Training pairs: [\d,]+ of [\d,]+",
    r"Model: [\d,]+ parameters",
    r"Loss before training: ",
    r"step [\d,]+: dev loss [\d.]+ .*dev BLEU [\d.]+",
    r"source  +\S",
    r"reference  +\S",
    r"model  +\S",
    r"step [\d,]+/[\d,]+ .*loss [\d.]+",
)


def text_of(picture: str) -> str:
    """The words of an SVG, one line for each of the screen."""
    lines: dict[str, str] = {}
    for height, words in re.findall(r'<text class="seqx-r\d+"[^>]* y="([\d.]+)"[^>]*>([^<]*)</text>', picture):
        lines[height] = lines.get(height, "") + html.unescape(words).replace("\xa0", " ")
    return "\n".join(lines.values())


def test_a_training_run_is_recorded_and_drawn(tmp_path: Path) -> None:
    arguments = ["train", *tiny.arguments(tmp_path), "--set", "training.steps=2000", "--device", "cpu"]
    written = record(arguments, lambda so_far: any("loss" in bar for bar in bars(so_far)), tmp_path)
    assert len(bars(written)) == 1
    shown = text_of(draw(screen(written), "seqx train"))
    for each in SHOWN:
        assert re.search(each, shown), each
    assert max(map(len, shown.splitlines())) <= COLUMNS


def test_the_picture_of_the_front_page_shows_what_a_training_run_shows() -> None:
    picture = PICTURE.read_text(encoding="utf-8")
    for each in SHOWN:
        assert re.search(each, text_of(picture)), each
    assert "seqx&#160;train&#160;--recipe&#160;fr-en-phrasebook" in picture.replace(" ", "&#160;")
