"""A corpus of millions of made-up pairs: how fast it is encoded, what training on it keeps in memory beyond the model,
and how soon a training run starts that finds it encoded.

    python -m tests.benchmarks.corpus [--pairs 5000000] [--updates 200] [--recipe fr-en] [--folder DIR] [--json FILE]

Each stage is a process of its own. The text files and the tokens stay in --folder, for the next time; where there is
none, in one that is removed. Five million pairs take about 1.5 GB there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import islice, repeat
from pathlib import Path
from typing import Any

SAMPLE = 100_000  # pairs that train the tokenizer
HELD_OUT = 2_000


def write(folder: Path, pairs: int) -> None:
    """The files of the text, unless they are there: train.fr, train.en, dev.fr, dev.en."""
    from tests.support import samples

    if (folder / "complete").is_file() and (folder / "complete").read_text() == str(pairs):
        return
    for split, count, seed in (("train", pairs, 1), ("dev", HELD_OUT, 2)):
        with (
            (folder / f"{split}.fr").open("w", encoding="utf-8") as sources,
            (folder / f"{split}.en").open("w", encoding="utf-8") as targets,
        ):
            for source, target in samples.pairs(count, seed):
                sources.write(source + "\n")
                targets.write(target + "\n")
    (folder / "tokenizer.model").unlink(missing_ok=True)
    (folder / "complete").write_text(str(pairs))


def opened(folder: Path, name: str) -> tuple[Any, Any, Any]:
    """The recipe, its tokenizer, the corpus, and the training pairs as tokens: encoded here and now, or found."""
    from seq2seq.data import tokenizers
    from seq2seq.data.corpus import Corpus
    from seq2seq.data.encoded import encode
    from seq2seq.data.pairs import file_pair
    from seq2seq.data.tokenizers import Tokenizers
    from seq2seq.recipe import files as recipe_files

    wanted = recipe_files.load(name)
    text, dev = (file_pair(folder / f"{split}.fr", folder / f"{split}.en") for split in ("train", "dev"))
    if not (folder / "tokenizer.model").is_file():
        lines = (side for pair in islice(text.read(), SAMPLE) for side in pair)
        tokenizers.save(tokenizers.train(wanted.tokenizer, lines), folder)
    joint = tokenizers.read(folder)
    both = Tokenizers(joint, joint)
    data = wanted.data
    start = time.perf_counter()
    encoded = encode(
        [text], both, folder / "cache", max_length=data.max_length, max_ratio=data.max_ratio, held_out=[dev]
    )
    return wanted, both, Corpus("benchmark", "files", (text,), dev, dev), (encoded, time.perf_counter() - start)


def encoding(asked: argparse.Namespace) -> dict[str, Any]:
    """Encode everything; nothing is cached yet."""
    from seq2seq.measure.memory import peak

    *_, (encoded, seconds) = opened(asked.folder, asked.recipe)
    return {
        "pairs": encoded.report["read"],
        "kept": encoded.report["kept"],
        "tokens": encoded.report["tokens"],
        "seconds": seconds,
        "pairs_per_minute": 60 * encoded.report["read"] / seconds,
        "peak_mib": peak(_cpu()) / 2**20,
    }


def training(asked: argparse.Namespace) -> dict[str, Any]:
    """Updates on one batch over and over, then on the corpus; what the second adds to the peak of memory."""
    import torch

    from seq2seq import device, tasks
    from seq2seq.data.batches import Place
    from seq2seq.measure.memory import peak
    from seq2seq.tasks import models, translation_training
    from seq2seq.training import objective, optimisers, schedule
    from seq2seq.training.loop import train

    wanted, both, corpus, (encoded, _) = opened(asked.folder, asked.recipe)
    choice = device.choose("cpu", wanted.training.precision)
    torch.manual_seed(1)
    model = models.model(wanted, both.source.size, both.target.size)
    optimiser = optimisers.for_recipe(wanted, model)
    measuring = objective.for_recipe(wanted, model, choice.numerics)
    own = tasks.of(wanted).workload().batch(wanted.training.batch_tokens)
    batches = translation_training.batches(wanted, encoded, both, corpus).stream()
    alone = together = 0
    for given, count in ((repeat((Place(), own)), 5), (batches, asked.updates)):
        alone = together
        updates = train(
            list(model.parameters()),
            optimiser,
            schedule.for_recipe(wanted),
            given,
            measuring,
            choice.numerics,
            accumulate=wanted.training.accumulate,
            clip_norm=wanted.training.clip_norm,
        )
        for _ in islice(updates, count):
            pass
        together = peak(_cpu())
    return {
        "updates": asked.updates,
        "model_and_updates_mib": alone / 2**20,
        "peak_mib": together / 2**20,
        "beyond_mib": (together - alone) / 2**20,
    }


def starting(asked: argparse.Namespace) -> dict[str, Any]:
    """To the first batch of a corpus that was encoded before."""
    from seq2seq.tasks import translation_training

    wanted, both, corpus, (encoded, seconds) = opened(asked.folder, asked.recipe)
    next(translation_training.batches(wanted, encoded, both, corpus).stream())
    return {"finding_seconds": seconds}


STAGES = {"encoding": encoding, "training": training, "starting": starting}


def _cpu() -> Any:
    import torch

    return torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5_000_000)
    parser.add_argument("--updates", type=int, default=200)
    parser.add_argument("--recipe", default="fr-en")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.stage:
        print(json.dumps(STAGES[asked.stage](asked)))
        return
    if asked.folder:
        asked.folder.mkdir(parents=True, exist_ok=True)
        measure(asked)
    else:
        with tempfile.TemporaryDirectory(prefix="seqx-corpus-") as folder:
            asked.folder = Path(folder)
            measure(asked)


def measure(asked: argparse.Namespace) -> None:
    """Every stage in turn; the encoding of an earlier time is thrown away."""
    import shutil

    write(asked.folder, asked.pairs)
    shutil.rmtree(asked.folder / "cache", ignore_errors=True)
    found = {}
    for stage in STAGES:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.corpus", "--stage", stage, "--folder", str(asked.folder),
             "--recipe", asked.recipe, "--updates", str(asked.updates)],
            stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        found[stage] = {**json.loads(done.stdout), "process_seconds": time.perf_counter() - start}
        print(f"{stage}: " + ", ".join(f"{key} {value:,.1f}" for key, value in found[stage].items()), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
