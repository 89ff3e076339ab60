"""The document of the lecture's notes: written from the notes themselves, and read again."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from seq2seq.learn.catalogue import NOTES, Note
from seq2seq.learn.lesson import Lesson
from tests.support.documents import ROOT

FOLDER = ROOT / "seq2seq/learn"
PAGE = FOLDER / "README.md"
_HEAD = """# The lecture as commands

Each note of a lecture on Transformers, as a short function over the parts of seqx: it runs in seconds on one thread,
says what was measured in five lines, draws a picture, and fails where what it teaches does not show.

```sh
seqx learn                     # the notes, in the lecture's order
seqx learn graph               # one of them; its picture is learn/graph.png
seqx learn graph -o mine.svg
```

The text is tiny Shakespeare where `$SEQX_DATA` has it, else the bundled play; here the play. Notes that need pairs,
labels or answers take the bundled phrasebook, reviews and assistant. The small model is that of
`seqx train --recipe nanogpt-cpu`, smaller; `small.py` says by which `--set` values, and trains it with the loop of
`seqx train`. A note runs with the same seed each time: on one machine its figures are the same, on another those of
trained models may differ in their last digits, those of `policy` more; the speeds of `devices` are the machine's own.

This page and its pictures were written by `python -m tests.learn`; a slow test runs every note again and compares.

"""


class Section(NamedTuple):
    """What the page says of a note."""

    title: str
    lines: list[str]
    correction: str


def section(note: Note, lesson: Lesson) -> str:
    """The part of the page about a note."""
    code = f"[`{note.module}.py`]({note.module}.py), `{note.function}`"
    parts = [f"## {note.name}", f"{note.title[:1].upper()}{note.title[1:]}.", "```text", *lesson.lines, "```"]
    text = f"{parts[0]}\n\n{parts[1]}\n\n" + "\n".join(parts[2:]) + f"\n\n![{note.title}]({note.name}.png)\n\n"
    if lesson.correction:
        text += f"**The lecture**: {lesson.correction}\n\n"
    return text + f"Its code: {code}.\nRead next: [`seq2seq/{note.opens}`](../{note.opens}).\n"


def page(sections: list[str]) -> str:
    """The whole page."""
    return _HEAD + "\n".join(sections)


def parts(text: str) -> dict[str, str]:
    """The parts of a page, by note."""
    found = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return {part.split()[1]: part.rstrip("\n") + "\n" for part in found}


def sections(text: str) -> dict[str, Section]:
    """What a page says, by note."""
    found = {}
    for name, part in parts(text).items():
        title, lines = re.match(r"## \S+\n\n(.*)\.\n\n```text\n(.*?)\n```\n", part, re.DOTALL).groups()  # type: ignore[union-attr]
        correction = re.search(r"^\*\*The lecture\*\*: (.*)$", part, re.MULTILINE)
        found[name] = Section(title, lines.split("\n"), correction[1] if correction else "")
    return found


def picture(note: Note) -> Path:
    """The picture of a note on the page."""
    return FOLDER / f"{note.name}.png"


def small(picture: bytes) -> bytes:
    """A PNG in 128 colours, which take half the place."""
    file = io.BytesIO()
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(128, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def agree(one: str, other: str, share: float) -> bool:
    """Whether two lines have the same words, and numbers that differ by at most a share and two last digits."""
    number = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")
    if number.sub("#", one) != number.sub("#", other):
        return False
    return all(_near(a, b, share) for a, b in zip(number.findall(one), number.findall(other)))


def _near(one: str, other: str, share: float) -> bool:
    if one == other:
        return True
    decimals = len(other.partition(".")[2].partition("e")[0])
    a, b = (float(each.replace(",", "")) for each in (one, other))
    return share > 0 and abs(a - b) <= share * abs(b) + 2 * 10**-decimals * (0 if "e" in other else 1)


def order() -> list[str]:
    """The names of the notes."""
    return [note.name for note in NOTES]
