"""Training runs in this process: tiny recipes, sessions of them, and what they left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch

from seq2seq import device, recipe, tasks
from seq2seq.data.corpus import Corpus
from seq2seq.data.pairs import PairSource
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run
from seq2seq.storage.tensors import read_weights
from seq2seq.tasks import preparation
from seq2seq.training.loop import Progress
from seq2seq.training.session import Event, Session
from tests.support import samples, tiny


def tiny_recipe(**training: object) -> recipe.Recipe:
    wanted = recipe_files.parse(tiny.RECIPE, "tiny")
    changed = recipe.Training.model_validate({**wanted.training.model_dump(), **training})
    tokenizer = wanted.tokenizer.model_copy(update={"sampling": 0.2})  # randomness of the data, beside that of dropout
    return wanted.model_copy(update={"training": changed, "tokenizer": tokenizer})


def tiny_corpus() -> Corpus[PairSource]:
    """Enough pairs for the tasks that start from a translator."""
    train, dev, test = (samples.text(tiny.pairs(count, 5 + n)) for n, count in enumerate((30, 8, 8)))
    return Corpus("mine", "files", (train,), dev, test)


def session(wanted: recipe.Recipe, corpus: Corpus, folder: Path) -> Session:
    run = Run(folder)
    run.claim(wanted)
    choice = device.choose("cpu", wanted.training.precision)
    return preparation.session(tasks.of(wanted), corpus, run, choice, lambda message: None)


def stop_after(step: int, events: Iterator[Event]) -> list[Event]:
    """The events up to an update, and no more: as if the process had been killed there."""
    taken = []
    for event in events:
        taken.append(event)
        if isinstance(event, Progress) and event.step == step:
            break
    return taken


def updates(events: list[Event]) -> list[Progress]:
    return [event for event in events if isinstance(event, Progress)]


def final(folder: Path) -> dict[str, torch.Tensor]:
    return read_weights(folder / "model.safetensors")


def rows(folder: Path) -> list[dict[str, object]]:
    kept = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in kept]
