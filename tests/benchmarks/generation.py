"""Tokens a second of generating with a GPT: with and without a cache at full context, and 16 texts at once beside one.

    python -m tests.benchmarks.generation [--run runs/gpt-shakespeare] [--rounds 5]

Without a cache each token reads the whole window anew. The ways alternate, so that the machine's moods hit all alike;
all generate past the context, float32.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from seq2seq import build, device
from seq2seq.decoding.engine import Sampling
from seq2seq.decoding.generate import Options
from seq2seq.run import open_run

TOKENS = 512
WAYS = {"cached": (1, True), "without a cache": (1, False), "16 texts at once": (16, True)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="run folder; default: the newest on running text")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    run = open_run(asked.run, "generate")
    generator = build.generator(run, device.choose("cpu", "float32"))
    speeds: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(asked.rounds + 1):
        for way, (samples, cached) in WAYS.items():
            options = Options(Sampling(temperature=0.8, seed=number), max_tokens=TOKENS, cached=cached)
            start = time.perf_counter()
            made = generator.generate("\n", options, samples)
            if number:  # the first warms up
                speeds[way].append(sum(len(text.tokens) for text in made) / (time.perf_counter() - start))
    one = statistics.median(speeds["cached"])
    print(f"context {run.recipe().model.max_length}, {TOKENS} tokens a text")
    for way, found in speeds.items():
        median = statistics.median(found)
        print(f"{way:18} {median:8,.0f} tokens/s, {median / one:6.2f} x cached")


if __name__ == "__main__":
    main()
