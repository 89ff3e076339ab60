"""The bundled reviews of films and restaurants, written by `python -m tests.reviews` from its patterns and its
hand-written lines."""

from pathlib import Path
from typing import Literal

REVIEWS = Path(__file__).with_name("reviews.tsv.xz")


def reviews(split: Literal["train", "dev", "test"]) -> list[tuple[str, str]]:
    """A split of the reviews, (label, text), in the order of the file; the labels are `negative` and `positive`.

    train: generated reviews; dev: generated ones of words that no review of train combines; test: 300 reviews written
    by hand, a third of them with negation or contrast.
    """
    import lzma  # here, since some Pythons are built without it: they train on other corpora

    with lzma.open(REVIEWS, "rt", encoding="utf-8", newline="\n") as lines:
        rows = (line.removesuffix("\n").split("\t") for line in lines)
        return [(label, text) for name, label, text in rows if name == split]
