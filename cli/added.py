"""The corpora that `seqx train --add-data` names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import options

if TYPE_CHECKING:
    from seq2seq.recipe import Recipe


def added(recipe: Recipe, values: list[str]) -> list[dict[str, Any]]:
    """The corpora of the values of --add-data, as a recipe has them; one whose name is taken gets a number: mail-2."""
    taken = {corpus.name for corpus in recipe.data.corpora} or {recipe.data.corpus}
    added = []
    for value in values:
        corpus = _added_corpus(value)
        names = (corpus["name"], *(f"{corpus['name']}-{number}" for number in range(2, len(values) + len(taken) + 2)))
        corpus["name"] = next(name for name in names if name not in taken)
        taken.add(corpus["name"])
        added.append(corpus)
    return added


def _added_corpus(text: str) -> dict[str, Any]:
    files, _, share = text.rpartition(":")
    try:
        value = float(share) if files else None
    except ValueError:
        value = None
    if value is None:
        files = text
    elif not 0 < value <= 1:
        options.usage_error(f"--add-data {text}: a share is over 0 and at most 1, not {share}")
    paths = [str(Path(file).absolute()) for file in files.split(",")]
    return {"name": Path(paths[0]).name.partition(".")[0], "files": paths, "share": value}
