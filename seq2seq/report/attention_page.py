"""What a model attends to in one text, as a page of its own: point at a word to see it."""

from __future__ import annotations

from seq2seq.decoding import attention
from seq2seq.evaluation.parts import AttentionMaps, Page, PageSection
from seq2seq.report.page import html

_LONGEST = 60  # characters of a heading


def page(found: attention.Attention, name: str) -> str:
    """All layers and heads, as HTML; `name` says whose attention it is."""
    text = found.text if len(found.text) <= _LONGEST else f"{found.text[: _LONGEST - 1]}…"
    return html(Page(text, f"attention of {name}", (), [PageSection("Attention", [captioned(found)])]))


def captioned(found: attention.Attention) -> AttentionMaps:
    """The maps with what was read and what was written."""
    return AttentionMaps(f"{found.text} → {found.output}" if found.output else found.text, found.maps)
