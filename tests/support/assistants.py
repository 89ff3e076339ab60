"""A tiny language model, and a chat model that starts from it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from seq2seq import device, tasks
from seq2seq.data.corpus import Given
from seq2seq.recipe import Recipe
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run
from seq2seq.tasks.preparation import session
from seq2seq.training.session import Event, Session

CPU = device.choose("cpu", "float32")
Rows = Callable[[Iterable[int]], list[dict[str, Any]]]  # of the numbers of questions
COLOURS = {"cat": "red", "dog": "blue", "cow": "green", "hen": "black"}

_LEARNING = """
[optimizer]
kind = "adamw"
[training]
batch_tokens = 512
learning_rate = 0.01
warmup_steps = 5
schedule = "linear"
metric = "loss"
label_smoothing = 0.0
keep = "best"
"""
BASE = f"""
task = "language-model"
[tokenizer]
kind = "byte"
[model]
architecture = "decoder-only"
d_model = 32
d_ff = 64
n_heads = 2
decoder_layers = 2
max_length = 64
dropout = 0.0
norm = "pre"
positions = "rotary"
{_LEARNING}
steps = 30
validate_every = 15
"""
SFT = f"""
task = "conversation"
[start]
[data]
corpus = "own"
[model]
architecture = "decoder-only"
{_LEARNING}
steps = 80
validate_every = 40
validate_sentences = 8
"""


def write_documents(path: Path) -> Path:
    draw = random.Random(1)
    lines = (f"The {animal} is {COLOURS[animal]}." for animal in draw.choices([*COLOURS], k=400))
    path.write_text("\n".join(lines) + "\n")
    return path


def asked(number: int) -> tuple[str, str]:
    """A question and its answer."""
    animal = [*COLOURS][number % len(COLOURS)]
    return f"{number} {animal}?", COLOURS[animal]


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_splits(folder: Path, stem: str, rows: Rows, train: int) -> list[Path]:
    """Files of train, dev and test, whose rows are made of the numbers of questions."""
    numbers = {"train": range(train), "dev": range(200, 220), "test": range(220, 240)}
    return [write_rows(folder / f"{stem}{split}.jsonl", rows(some)) for split, some in numbers.items()]


def demonstrations(numbers: Iterable[int], answer: str = "completion") -> list[dict[str, Any]]:
    """Questions with their answers, in a column of this name."""
    return [dict(zip(("prompt", answer), asked(number))) for number in numbers]


def recipe(folder: Path, text: str, start: Path | None = None) -> Recipe:
    """The recipe of a text, which starts from a run."""
    (folder / "recipe-of-the-test.toml").write_text(text)
    return recipe_files.load(folder / "recipe-of-the-test.toml", start=start)


def begun(wanted: Recipe, run: Run, train: Path, dev: Path, test: Path) -> Session:
    task = tasks.of(wanted)
    corpus = task.find({"train": Given(data=(train,)), "dev": Given(data=(dev,)), "test": Given(data=(test,))})
    run.claim(wanted)
    return session(task, corpus, run, CPU, lambda message: None)


def base(folder: Path) -> Run:
    """A finished language model."""
    documents = write_documents(folder / "documents.txt")
    run = Run(folder / "base")
    wanted = recipe(folder, BASE)
    list(begun(wanted, run, documents, documents, documents).events())
    tasks.of(wanted).judge(run, CPU, lambda message: None)
    return run


def assistant_session(folder: Path, start: Run, name: str = "sft", text: str = SFT) -> tuple[Run, Session]:
    """A session of a chat model."""
    paths = write_splits(folder, "", demonstrations, train=200)
    run = Run(folder / name)
    return run, begun(recipe(folder, text, start.path), run, *paths)


def assistant(folder: Path, start: Run) -> tuple[Run, list[Event]]:
    """A finished and judged chat model."""
    run, training = assistant_session(folder, start)
    events = list(training.events())
    tasks.of(run.recipe()).judge(run, CPU, lambda message: None)
    return run, events
