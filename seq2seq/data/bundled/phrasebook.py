"""The bundled French-English phrasebook, written by `python -m tests.phrasebook` from its phrases and its grammar."""

from pathlib import Path
from typing import Literal

PAIRS = Path(__file__).with_name("phrasebook.tsv.xz")
_TYPED = Path(__file__).with_name("typed.tsv")


def pairs(split: Literal["train", "dev", "test"]) -> list[tuple[str, str]]:
    """A split of the corpus, in the order of the file.

    train: 2,069 hand-written phrases, each three times as written and as typed in about 12 ways, then 60,000 generated
    pairs, a quarter of them also as typed; dev and test: 1,000 generated pairs each, as written.
    """
    import lzma  # here, since some Pythons are built without it: they train on other corpora

    with lzma.open(PAIRS, "rt", encoding="utf-8", newline="\n") as lines:
        rows = (line.removesuffix("\n").split("\t") for line in lines)
        return [(french, english) for name, french, english in rows if name == split]


def typed() -> list[tuple[str, list[str]]]:
    """Inputs as people type them, each with every correct English answer, the best first."""
    _, *lines = _TYPED.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    rows = (line.split("\t") for line in lines)
    return [(french, english.split(" | ")) for french, english in rows]
