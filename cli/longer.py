"""`seqx train --more`: a finished run trained longer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seq2seq import device as devices
from seq2seq import tasks
from seq2seq.data.corpus import Corpus, Given, SplitName
from seq2seq.data.lines import Reading
from seq2seq.device import Choice
from seq2seq.errors import RecipeError
from seq2seq.measure.devices import attempt
from seq2seq.measure.estimate import fit_minutes
from seq2seq.recipe import Recipe
from seq2seq.recipe.files import differences, override
from seq2seq.recipe.recipe import validated
from seq2seq.run import Run
from seq2seq.tasks import lineage, replay
from seq2seq.training import extension

from . import options
from .printing import note

_BUDGET = "training.steps"


def prepared(
    run: Run,
    changes: Sequence[str],
    minutes: float | None,
    text: Mapping[SplitName, Given],
    reading: Reading,
    device: str,
) -> tuple[Recipe, Corpus[Any], Choice]:
    """The recipe, text and device with which a finished run is trained longer: by a number of steps, or as many as fit
    into minutes. Raises RecipeError where that was begun with other values. Usage error: a change of more than the
    schedule, or no budget."""
    keys = {change.partition("=")[0].strip() for change in changes}
    if strange := sorted(key for key in keys if not key.startswith("training.")):
        options.usage_error(f"--set {strange[0]}: --more trains the run as it is; only keys of training may change")
    begun, recipe = extension.is_being_extended(run), run.recipe()
    if not begun and not minutes and _BUDGET not in keys:
        options.usage_error("--more: say how much longer: --minutes 20, or --set training.steps=1000")
    former = extension.last_stage(recipe)
    stage = _changed(former, changes, f"{run.path}, --set")
    if begun and (different := differences(former, stage)):
        raise RecipeError(f"{run.path} is being trained longer with other values ({different[0]}); leave out --set")
    task = tasks.of(recipe)
    corpus = replay.with_start(task, task.find(text, reading)) if any(text.values()) else replay.corpus_of(run)
    choice = devices.choose(device, recipe.training.precision, attempt(recipe))
    if begun:
        note(f"Steps: {former.training.steps:,} more, as when this was begun")
        return recipe, corpus, choice
    if minutes:
        start = {"start": {"run": str(lineage.of(run).path)}} if recipe.start else {}
        fitted, _ = fit_minutes(stage.with_values(start), corpus, choice, minutes, note)
        budget = fitted.training.model_dump(include={"steps", "warmup_steps", "validate_every"})
        stage = stage.with_values({"training": budget})
    recipe = extension.extended(run, stage)
    note(f"Steps: {stage.training.steps:,} more, from {recipe.training.begin:,} to {recipe.training.steps:,}")
    return recipe, corpus, choice


def _changed(recipe: Recipe, changes: Sequence[str], origin: str) -> Recipe:
    values = recipe.model_dump(mode="json", exclude_none=True)
    for change in changes:
        override(values, change)
    return validated(values, origin).settled()
