"""A corpus and a recipe so small that a whole training takes a second or two."""

from __future__ import annotations

import csv
import random
from pathlib import Path

WORDS = {"un": "one", "deux": "two", "trois": "three", "quatre": "four", "chat": "cat", "chien": "dog", "rouge": "red"}

RECIPE = """
summary = "tiny"
[data]
corpus = "nowhere"
max_length = 32
[tokenizer]
vocabulary_size = 300
[model]
d_model = 16
d_ff = 32
n_heads = 2
encoder_layers = 1
decoder_layers = 1
max_length = 32
[training]
steps = 6
batch_tokens = 256
learning_rate = 5e-3
warmup_steps = 4
clip_norm = 1.0
validate_every = 2
validate_sentences = 8
average_last = 2
precision = "float32"
[decoding]
beam_size = 2
max_extra = 6
"""

# A policy that is rewarded by the rater.
POLICY = """[policy]
reward = "rater"
rollouts = 8
minibatches = 2
epochs = 2
max_tokens = 6
validate_prompts = 6
best_of = 3
"""


def pairs(count: int, seed: int) -> list[tuple[str, str]]:
    """Word-for-word translations, all different."""
    draw = random.Random(seed)
    found: dict[str, str] = {}
    while len(found) < count:
        words = draw.choices(list(WORDS), k=draw.randint(2, 7))
        found[" ".join(words)] = " ".join(WORDS[word] for word in words)
    return list(found.items())


def write_pairs(folder: Path, stem: str, rows: list[tuple[str, str]]) -> tuple[Path, Path]:
    """Two files, line for line."""
    files = folder / f"{stem}.fr", folder / f"{stem}.en"
    for side, file in enumerate(files):
        file.write_text("".join(row[side] + "\n" for row in rows), encoding="utf-8")
    return files


def arguments(folder: Path) -> list[str]:
    """What `seqx train` takes to train the tiny recipe on the tiny corpus, all of it under `folder`."""
    (folder / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    given = ["--recipe", str(folder / "tiny.toml")]
    for stem, count, seed in (("train", 200, 1), ("dev", 12, 2), ("test", 12, 3)):
        source, target = write_pairs(folder, stem, pairs(count, seed))
        prefix = "" if stem == "train" else f"{stem}-"
        given += [f"--{prefix}source-file", str(source), f"--{prefix}target-file", str(target)]
    return given


TEXT_RECIPE = """
task = "language-model"
summary = "tiny"
[data]
corpus = "nowhere"
[tokenizer]
kind = "character"
vocabulary_size = 100
[model]
architecture = "decoder-only"
d_model = 16
d_ff = 32
n_heads = 2
decoder_layers = 2
max_length = 16
dropout = 0.1
norm = "pre"
positions = "rotary"
[optimizer]
kind = "muon"

[training]
steps = 6
batch_tokens = 128
learning_rate = 5e-3
warmup_steps = 2
schedule = "linear"
label_smoothing = 0.0
clip_norm = 1.0
ema = 0.5
keep = "ema"
validate_every = 2
metric = "loss"
precision = "float32"
"""


def verse(lines: int, seed: int) -> str:
    """Lines of a few words each."""
    draw = random.Random(seed)
    return "".join(" ".join(draw.choices(list(WORDS.values()), k=draw.randint(2, 7))) + ".\n" for _ in range(lines))


def text_arguments(folder: Path) -> list[str]:
    """What `seqx train` takes to train the tiny recipe of running text, all of it under `folder`."""
    (folder / "verse.toml").write_text(TEXT_RECIPE, encoding="utf-8")
    (folder / "verse.txt").write_text(verse(300, 1), encoding="utf-8")
    return ["--recipe", str(folder / "verse.toml"), "--data", str(folder / "verse.txt"), "--device", "cpu"]


LABELLED_RECIPE = """
task = "classification"
summary = "tiny"
[data]
corpus = "nowhere"
max_length = 32
[tokenizer]
kind = "character"
vocabulary_size = 100
[model]
architecture = "encoder-only"
d_model = 16
d_ff = 32
n_heads = 2
encoder_layers = 1
max_length = 32
norm = "pre"
[training]
steps = 6
batch_tokens = 512
learning_rate = 1e-2
warmup_steps = 4
clip_norm = 1.0
validate_every = 2
metric = "accuracy"
average_last = 2
precision = "float32"
"""


def labelled(count: int, seed: int) -> list[tuple[str, str]]:
    """Texts that differ, each with the label `pet` where it ends in an animal, else `thing`; one in three is a pet."""
    draw = random.Random(seed)
    found: dict[str, str] = {}
    while len(found) < count:
        pet = len(found) % 3 == 0
        words = draw.choices(["one", "two", "three", "four", "red"], k=draw.randint(2, 5))
        last = draw.choice(("cat", "dog") if pet else ("house", "tree"))
        found[" ".join([*words, last])] = "pet" if pet else "thing"
    return list(found.items())


def write_labelled(path: Path, rows: list[tuple[str, str]], columns: tuple[str, str] = ("text", "label")) -> Path:
    """A CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def labelled_arguments(folder: Path) -> list[str]:
    """As `arguments`, for texts with labels."""
    (folder / "tiny.toml").write_text(LABELLED_RECIPE, encoding="utf-8")
    given = ["--recipe", str(folder / "tiny.toml")]
    for stem, count, seed in (("train", 240, 1), ("dev", 30, 2), ("test", 30, 3)):
        path = write_labelled(folder / f"{stem}.csv", labelled(count, seed))
        given += ["--data" if stem == "train" else f"--{stem}-data", str(path)]
    return given
