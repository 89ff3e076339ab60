"""The bundled text of an assistant, written by `python -m tests.assistant`: a small world of questions and answers."""

from __future__ import annotations

import functools
from pathlib import Path

from seq2seq.data.corpus import SplitName

ASSISTANT = Path(__file__).with_name("assistant.tsv.xz")


def documents(split: SplitName) -> list[str]:
    """Texts that state facts: what a model reads before it learns to answer."""
    return [text for text, _ in _rows().get(("document", split), [])]


def demonstrations(split: SplitName) -> list[tuple[str, str]]:
    """Prompts of training and answers in mixed manners: right and short, long-winded, rude, wrong. For dev and test the
    right answers to prompts that training never has: this way to ask for this thing."""
    return _rows()[("demonstration" if split == "train" else "prompt", split)]


def prompts(split: SplitName) -> list[tuple[str, str]]:
    """Prompts and their right answers."""
    return _rows()[("prompt", split)]


@functools.cache
def _rows() -> dict[tuple[str, str], list[tuple[str, str]]]:
    import lzma  # here, since some Pythons are built without it: they train on other corpora

    rows: dict[tuple[str, str], list[tuple[str, str]]] = {}
    with lzma.open(ASSISTANT, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            part, split, text, answer = line.removesuffix("\n").split("\t")
            rows.setdefault((part, split), []).append((text, answer))
    return rows
