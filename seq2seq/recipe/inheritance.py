"""What a recipe takes from the run that it starts from, and a recipe reversed; both before values are validated."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection
from typing import Any

from seq2seq.errors import RecipeError
from seq2seq.recipe.checks import foreign_options
from seq2seq.recipe.recipe import Recipe, holds, without
from seq2seq.recipe.section import section_of

UnvalidatedRecipe = dict[str, Any]

_ARCHITECTURE = {"tokenizer": {"sampling"}, "model": {"dropout"}}  # sections that weights fit, and what may differ
_OWN_TEXT = (  # which text, and how it is read, is a recipe's own
    *("corpus", "corpora", "hub", "bundled", "temperature", "cleaning", "judge_pairs", "sacrebleu_test", "replay"),
)


def inherited(values: UnvalidatedRecipe, parent: Recipe, run: str, overridden: Collection[str]) -> UnvalidatedRecipe:
    """The values of a recipe that starts from a run, given the run's recipe. Architecture and tokenizer are the run's,
    but for dropout and sampling, and which parts of an encoder-decoder another task has; where the task is the same,
    all else that the recipe leaves out is too, except which text is read. Raises RecipeError where one of the
    `overridden` keys changes what cannot differ.
    """
    former = parent.model_dump(mode="json", exclude_none=True)
    merged = copy.deepcopy(values)
    merged.setdefault("task", parent.task)
    merged["start"] = section_of(merged, "start") | {"task": parent.serves}
    same_task = merged["task"] == parent.task
    for section, may_differ in _ARCHITECTURE.items():
        own, kept = section_of(merged, section), {*may_differ}
        if not same_task and parent.model.architecture == "encoder-decoder":
            kept.add("architecture")  # of whose parts some are taken
        for key in own.keys() - kept:
            if f"{section}.{key}" in overridden and own[key] != former[section].get(key):
                raise RecipeError(
                    f"--set {section}.{key}={own[key]}: {section} is that of {run}, which has "
                    f"{former[section].get(key)}; leave it out, or train without a start"
                )
        merged[section] = former[section] | {key: own[key] for key in own.keys() & kept}
    if same_task:
        former["data"] = {key: value for key, value in former["data"].items() if key not in _OWN_TEXT}
        former["training"].pop("begin")
        for section in ("data", "optimizer", "training", "decoding"):
            merged[section] = former[section] | section_of(merged, section)
    foreign = [key for key in foreign_options(merged) if not holds(values, key)]
    return without(merged, foreign)


def turned(values: UnvalidatedRecipe, origin: str) -> UnvalidatedRecipe:
    """The values of a translation recipe in the other direction: languages, columns of the Hub and files exchanged.
    Raises RecipeError where that is not possible."""
    merged = copy.deepcopy(values)
    data = merged["data"] = dict(section_of(merged, "data"))
    if merged.get("task", "translation") != "translation":
        raise RecipeError(f'--reverse: {origin} has task = "{merged["task"]}", which has no direction; leave it out')
    source, target = data.get("source", "fr"), data.get("target", "en")
    data["source"], data["target"] = target, source
    corpora = data.get("corpora")
    for part in (data, *(corpora if isinstance(corpora, list | tuple) else ())):
        if isinstance(part, dict):
            _turn(part, origin)
    direction, other = f"{source}-{target}", f"{target}-{source}"
    name = str(merged.get("name", "unnamed"))
    merged["name"] = re.sub(rf"^{re.escape(direction)}\b", other, name)
    if merged["name"] == name:
        merged["name"] = f"{name}-{other}"
    merged["summary"] = f"{merged.get('summary', '')} (reversed: {source} is the target)".strip()
    merged.pop("scored", None)
    return merged


def _turn(part: UnvalidatedRecipe, origin: str) -> None:
    """Exchange the columns and files of a corpus."""
    hub = part.get("hub")
    if isinstance(hub, dict) and {"source_column", "target_column"} <= hub.keys():
        part["hub"] = {**hub, "source_column": hub["target_column"], "target_column": hub["source_column"]}
    for key in ("files", "dev_files", "test_files"):
        files = part.get(key)
        if isinstance(files, list | tuple) and len(files) == 2:
            part[key] = list(files[::-1])
        elif files and str(files[0]).partition(".tsv")[1]:
            raise RecipeError(
                f"--reverse: {origin}: {files[0]} is a table whose columns need no names; name a file of each side "
                "instead, or exchange the columns"
            )
