"""Tokens a second of generating with a GPT, by PyTorch with a cache, without one, and with 16 texts at once, and by the
run's CTranslate2 copy, where it has one.

    python -m tests.benchmarks.generation [--run runs/gpt-shakespeare] [--rounds 5]

Without a cache each token is drawn after the model has read the last full context anew, in a plain loop over its
forward. One thread, all generate far past the context; the ways take turns, so that the machine's moods hit
all alike, and seconds are the processor's, so that what else runs on it counts less. CTranslate2 makes one text
after another.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from seq2seq.data.tokenizers import EOS
from seq2seq.decoding.options import GenerationOptions, Sampling
from seq2seq.interop.ctranslate2 import copy as copies
from seq2seq.interop.ctranslate2.copy import Copy
from seq2seq.interop.ctranslate2.generator import CTranslate2Generator
from seq2seq.model.gpt import Gpt
from seq2seq.run import Run
from seq2seq.tasks import models, open_run
from seq2seq.tasks.language_model_opening import open_generator
from seq2seq.tasks.opening import EngineChoice

TOKENS = 512


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="run folder; default: the newest on running text")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    run = open_run(asked.run, "generate")
    generator = open_generator(run, EngineChoice("torch", device="cpu"), GenerationOptions()).generator
    model, _ = models.trained_gpt(run, torch.device("cpu"))

    def with_cache(samples: int, seed: int) -> int:
        options = GenerationOptions(Sampling(temperature=0.8, seed=seed), max_tokens=TOKENS)
        return sum(len(text.tokens) for text in generator.generate("\n", options, samples))

    ways: dict[str, Callable[[int], int]] = {
        "cached": lambda seed: with_cache(1, seed),
        "without a cache": lambda seed: plain(model.eval(), seed),
        "16 texts at once": lambda seed: with_cache(16, seed),
    }
    if (copy := copies.read(run.path)) is not None:
        for precision in copies.PRECISIONS:
            ways[f"CTranslate2 {precision}"] = partial(fast, by_copy(copy, precision, run), 1)
            ways[f"CTranslate2 {precision}, 16"] = partial(fast, by_copy(copy, precision, run), 16)
    speeds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(asked.rounds + 1):
        for way, write in ways.items():
            start = time.process_time()
            made = write(number)
            if number:  # the first warms up
                speeds[way].append(made / (time.process_time() - start))
    one = statistics.median(speeds["cached"])
    print(f"context {model.context}, {TOKENS} tokens a text")
    for way, found in speeds.items():
        median = statistics.median(found)
        print(f"{way:24} {median:8,.0f} tokens/s ({min(found):,.0f}-{max(found):,.0f}), {median / one:6.2f} x cached")


def by_copy(copy: Copy, precision: str, run: Run) -> CTranslate2Generator:
    return CTranslate2Generator(copy, precision, "cpu", models.read_tokenizers(run.recipe(), run.path).target)


def fast(generator: CTranslate2Generator, samples: int, seed: int) -> int:
    options = GenerationOptions(Sampling(temperature=0.8, seed=seed), max_tokens=TOKENS)
    return sum(len(text.tokens) for text in generator.generate("\n", options, samples))


@torch.inference_mode()
def plain(model: Gpt, seed: int) -> int:
    """Draw tokens after a full context, reading the newest context of all tokens each time; how many were drawn."""
    draw = torch.Generator().manual_seed(seed)
    vocabulary = model.embedding.num_embeddings
    tokens = torch.randint(EOS + 1, vocabulary, (1, model.context), generator=draw)
    for _ in range(TOKENS):
        logits = model.head(model.hidden(tokens[:, -model.context :])[:, -1])
        following = torch.multinomial((logits / 0.8).softmax(-1), 1, generator=draw)
        tokens = torch.cat((tokens, following), dim=1)
    return TOKENS


if __name__ == "__main__":
    main()
