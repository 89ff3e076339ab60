"""What each modern option buys a small GPT on tiny Shakespeare: the same wall-clock on one thread, two seeds at once.

    python -m tests.benchmarks.ablation [--seconds 60] [--only TEXT] [--json FILE]

Every arm is nanoGPT's CPU configuration with the values shown. An arm first times its own step, then trains as many as
fit into the budget, with its schedule over just these. The loss is over the whole validation split (the last 10 %).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from pathlib import Path

import torch

from seq2seq import device, recipe
from seq2seq.model.gpt import Gpt
from seq2seq.recipe import files as recipe_files
from tests.benchmarks.nanogpt import seqx_steps, shakespeare, whole_split

RATE = ["training.learning_rate=6e-3", "training.schedule=linear", "training.final_share=0"]
FIVE = [
    "model.positions=rotary",
    "model.normalization=rms",
    "model.activation=squared_relu",
    "model.qk_norm=true",
    "model.residual_start=zero",
]
MUON = ["optimizer.kind=muon"]
ARMS: dict[str, list[str]] = {
    "nanoGPT's settings (rate 1e-3, cosine)": [],
    "rate 6e-3, linear to zero: the base of all below": RATE,
    "post-norm": [*RATE, "model.norm=post"],
    "post-norm at nanoGPT's rate": ["model.norm=post"],
    "cosine to 10 %": [*RATE, "training.schedule=cosine", "training.final_share=0.1"],
    "warm-up, stable, decay": [*RATE, "training.schedule=wsd"],
    "sinusoidal positions": [*RATE, "model.positions=sinusoidal"],
    "rotary positions": [*RATE, FIVE[0]],
    "RMSNorm": [*RATE, FIVE[1]],
    "squared ReLU": [*RATE, FIVE[2]],
    "QK-norm": [*RATE, FIVE[3]],
    "residual branches from zero": [*RATE, FIVE[4]],
    "average of weights (0.99)": [*RATE, "training.ema=0.99"],
    "all five": [*RATE, *FIVE],
    "Muon": [*RATE, *MUON],
    "Muon and all five": [*RATE, *FIVE, *MUON],
    "Muon, rotary, residual branches from zero: `gpt-shakespeare`": [*RATE, FIVE[0], FIVE[4], *MUON],
    "the same with an average (0.99)": [*RATE, FIVE[0], FIVE[4], *MUON, "training.ema=0.99"],
}
SEEDS = (1, 2)
TIMED_STEPS = 30


def run(task: tuple[list[str], int, float]) -> dict[str, float]:
    """Train one arm on one thread for a time; its loss, steps and milliseconds a step."""
    changes, seed, seconds = task
    torch.set_num_threads(1)
    training, validation, vocabulary = shakespeare()

    def model_of(wanted: recipe.Recipe) -> Gpt:
        torch.manual_seed(seed)
        return Gpt(wanted.model, vocabulary)

    wanted = recipe_files.load("nanogpt-cpu", changes)
    choice = device.choose("cpu")
    trial = seqx_steps(training, wanted, model_of(wanted), choice, seed)
    next(trial)
    start = time.perf_counter()
    for _ in range(TIMED_STEPS):
        next(trial)
    steps = int(seconds * TIMED_STEPS / (time.perf_counter() - start))
    wanted = recipe_files.load("nanogpt-cpu", [*changes, f"training.steps={steps}"])
    model = model_of(wanted)
    start = time.perf_counter()
    for _ in seqx_steps(training, wanted, model, choice, seed):
        pass
    taken = time.perf_counter() - start
    loss = whole_split(model.eval(), validation, wanted.model.max_length)
    return {"loss": loss, "steps": steps, "milliseconds": 1000 * taken / steps, "seconds": taken}


def main() -> None:
    """Run the arms one after another, the seeds of each at once, and print a table as they end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="budget of each training")
    parser.add_argument("--only", default="", help="arms whose name holds this text")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    asked = parser.parse_args()
    found = {}
    print("| what | loss, two seeds | steps | ms a step |\n|---|---|---|---|")
    with multiprocessing.get_context("spawn").Pool(len(SEEDS)) as pool:
        for name, changes in ARMS.items():
            if asked.only in name:
                found[name] = pool.map(run, [(changes, seed, asked.seconds) for seed in SEEDS], chunksize=1)
                losses = ", ".join(f"{each['loss']:.3f}" for each in found[name])
                steps, speed = (
                    sum(each[key] for each in found[name]) / len(SEEDS) for key in ("steps", "milliseconds")
                )
                print(f"| {name} | {losses} | {steps:,.0f} | {speed:.0f} |", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
