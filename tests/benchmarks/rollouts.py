"""Tokens a second of the rollouts of a policy, drawn with a cache and without one, in the settings of its run.

    python -m tests.benchmarks.rollouts [--run runs/assistant-ppo] [--rounds 5]

Both ways draw by the same sampler: as many completions at once, of prompts of the run's test set, as a phase of its
training has. Without a cache the decoder reads all tokens so far anew for each one that is drawn; an encoder's states
are computed once either way. One thread; the ways take turns, and seconds are the processor's.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seq2seq import device, tasks
from seq2seq.model.gpt import Gpt
from seq2seq.run import Run
from seq2seq.tasks import models


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/assistant-ppo"), help="run folder of a policy")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    speeds, same = compared(Run(asked.run), asked.rounds)
    one = statistics.median(speeds["without a cache"])
    for way, found in speeds.items():
        median = statistics.median(found)
        print(f"{way:16} {median:8,.0f} tokens/s ({min(found):,.0f}-{max(found):,.0f}), {median / one:5.2f} x uncached")
    print(f"{same:.1%} of the completions are the same, token for token")


def compared(run: Run, rounds: int) -> tuple[dict[str, list[float]], float]:
    """Tokens a second of each round, by way, and the share of the completions that both draw alike."""
    recipe = run.recipe()
    settings = recipe.policy
    if settings is None:
        raise SystemExit(f"{run.path} is no policy")
    numerics = device.choose("cpu", recipe.training.precision).numerics
    prompts = _prompts(run)
    model: Any = tasks.of(recipe).trained(run, numerics.device)
    ways = {"cached": model, "without a cache": Uncached(model)}
    sampler = models.architecture(recipe).sampler
    speeds: dict[str, list[float]] = {way: [] for way in ways}
    alike = []
    for number in range(rounds + 1):
        drawn = []
        for way, writer in ways.items():
            start = time.process_time()
            made = sampler(writer, numerics).sample(
                prompts, max_tokens=settings.max_tokens, seed=number, temperature=settings.temperature
            )
            if number:  # the first warms up
                tokens = sum(len(rollout.tokens) + rollout.ended for rollout in made)
                speeds[way].append(tokens / (time.process_time() - start))
            drawn.append(made)
        alike += [one.tokens == other.tokens for one, other in zip(*drawn, strict=True)]
    return speeds, statistics.mean(alike)


def _prompts(run: Run) -> list[list[int]]:
    """The tokens of as many prompts as a phase has."""
    recipe = run.recipe()
    assert recipe.policy is not None
    task, settings = tasks.of(recipe), recipe.policy
    served, test = task.served(), task.read_test(run)
    records = served.prompts(test) if served.prompts_itself else test.read()
    tokenizers = models.read_tokenizers(recipe, run.path)
    encoded = models.encode_prompts(recipe, tokenizers, [record.prompt for record in records])
    longest = models.longest_prompt(recipe, settings.max_tokens)
    usable = [tokens for tokens in encoded if 0 < len(tokens) <= longest]
    return list(islice(cycle(usable), settings.rollouts))


@dataclass
class Read:
    """All that was read: of the target, and what the decoder reads beside it."""

    tokens: Tensor
    beside: tuple[Tensor | None, ...]

    def reorder(self, rows: Tensor, sources: Tensor) -> None:
        """Keep some rows."""
        self.tokens = self.tokens[rows]
        self.beside = tuple(None if part is None else part[rows] for part in self.beside)


class Uncached:
    """A model whose every step reads all tokens anew."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._decode = model.hidden if isinstance(model, Gpt) else model.decoder
        self.context = getattr(model, "context", 0)

    def eval(self) -> None:
        """Turn dropout off."""
        self._model.eval()

    def start(self, first: Tensor, mask: Tensor | None = None) -> Read:
        """A GPT's prompts, or the sources of an encoder-decoder."""
        if isinstance(self._model, Gpt):
            return Read(first, ())
        return Read(first[:, :0], (self._model.encoder(first, mask), mask))

    def step(self, tokens: Tensor, state: Read) -> Tensor:
        """Logits of the tokens that follow."""
        state.tokens = torch.cat((state.tokens, tokens), dim=1)
        logits: Tensor = self._model.head(self._decode(state.tokens, *state.beside)[:, -tokens.size(1) :])
        return logits


if __name__ == "__main__":
    main()
