"""nanoGPT's CPU configuration beside seqx's `nanogpt-cpu`, in one run on one machine: step time, and loss with --full.

    python -m tests.benchmarks.nanogpt [--blocks 20] [--full]

The peer is nanoGPT's model and loop for `--device=cpu --compile=False`, written anew from its description: 4 pre-norm
layers without biases, 4 heads, width 128, context 64, batch 12, learned positions, GELU, tied head, deviation 0.02,
AdamW (0.9, 0.99) with decay 0.1 on matrices, clip 1, cosine from 1e-3 to 1e-4 after 100 steps. Blocks of steps
alternate, so that the machine's moods hit both alike. Needs $SEQX_DATA/tinyshakespeare.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq import device, recipe
from seq2seq.data.batches import Batch, Place
from seq2seq.model.gpt import Gpt
from seq2seq.recipe import files as recipe_files
from seq2seq.training import ema, optimisers, schedule
from seq2seq.training.loop import train
from seq2seq.training.objective import CrossEntropy

CONTEXT, ROWS, WIDTH, HEADS, LAYERS = 64, 12, 128, 4, 4
STEPS_A_BLOCK = 10


class PeerLayer(nn.Module):
    """Attention and feed-forward, pre-norm, without biases."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(WIDTH, bias=False), nn.LayerNorm(WIDTH, bias=False)
        self.projection = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.output = nn.Linear(WIDTH, WIDTH, bias=False)
        self.inner, self.outer = nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        B, T, C = x.shape
        parts = self.projection(self.first(x)).split(C, dim=2)
        query, key, value = (part.view(B, T, HEADS, -1).transpose(1, 2) for part in parts)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.output(seen.transpose(1, 2).contiguous().view(B, T, C))
        return x + self.outer(F.gelu(self.inner(self.second(x))))  # type: ignore[no-any-return]


class Peer(nn.Module):
    """nanoGPT's model at this size."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.layers = nn.ModuleList(PeerLayer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                last = name.endswith(("output.weight", "outer.weight"))
                nn.init.normal_(weight, std=0.02 / (math.sqrt(2 * LAYERS) if last else 1))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T) -> logits (B, T, V)."""
        x = self.tokens(tokens) + self.places(torch.arange(tokens.size(1)))
        for layer in self.layers:
            x = layer(x)
        return F.linear(self.norm(x), self.tokens.weight)


def peer_steps(text: Tensor, vocabulary: int, steps: int, model: Peer) -> Iterator[None]:
    """nanoGPT's loop, one step at a time."""
    weights = list(model.parameters())
    groups = [
        {"params": [weight for weight in weights if weight.dim() >= 2], "weight_decay": 0.1},
        {"params": [weight for weight in weights if weight.dim() < 2], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))
    for step in range(steps):
        done = (step - 100) / max(1, steps - 100)
        rate = 1e-3 * (step + 1) / 101 if step < 100 else 1e-4 + 9e-4 * (1 + math.cos(math.pi * done)) / 2
        for group in optimiser.param_groups:
            group["lr"] = rate
        starts = torch.randint(len(text) - CONTEXT, (ROWS,)).tolist()
        tokens = torch.stack([text[start : start + CONTEXT] for start in starts])
        labels = torch.stack([text[start + 1 : start + CONTEXT + 1] for start in starts])
        loss = F.cross_entropy(model(tokens).view(-1, vocabulary), labels.view(-1))
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        loss.item()
        yield


def chunks(text: Tensor, wanted: recipe.Recipe, seed: int) -> Iterator[tuple[Place, Batch]]:
    """Batches of the recipe's size at random offsets of a text."""
    context = wanted.model.max_length
    rows = wanted.training.batch_tokens // context
    generator = torch.Generator().manual_seed(seed)
    for index in count():
        starts = torch.randint(len(text) - context, (rows,), generator=generator).tolist()
        drawn = torch.stack([text[start : start + context + 1] for start in starts])
        tokens = rows * context
        yield Place(index=index), Batch((drawn[:, :-1],), drawn[:, 1:], tokens, padded=tokens, filled=tokens)


def seqx_steps(text: Tensor, wanted: recipe.Recipe, model: Gpt, choice: device.Choice, seed: int = 1) -> Iterator[None]:
    """seqx's loop, one step at a time; at its end the model holds the average of its weights where there is one."""
    optimiser = optimisers.for_recipe(wanted, model)
    updates = train(
        list(model.parameters()),
        optimiser,
        schedule.for_recipe(wanted),
        chunks(text, wanted, seed),
        CrossEntropy(model, choice.numerics, 0.0),
        choice.numerics,
        clip_norm=wanted.training.clip_norm,
    )
    for progress in islice(updates, wanted.training.steps):
        progress.loss.item()
        if wanted.training.ema:
            ema.update(optimiser, model, wanted.training.ema, progress.step, progress.skipped)
        yield
    if wanted.training.ema:
        model.load_state_dict({**model.state_dict(), **ema.averages(optimiser, model)})


def whole_split(logits: Callable[[Tensor], Tensor], text: Tensor, context: int = CONTEXT) -> float:
    """Nats a character over a whole split, in chunks of the context."""
    rows = (len(text) - 1) // context
    tokens, labels = text[: rows * context].view(rows, -1), text[1 : rows * context + 1].view(rows, -1)
    with torch.no_grad():
        losses = [
            F.cross_entropy(logits(tokens[i : i + 64]).flatten(0, 1), labels[i : i + 64].flatten(), reduction="sum")
            for i in range(0, rows, 64)
        ]
    return float(sum(losses)) / (rows * context)


def shakespeare() -> tuple[Tensor, Tensor, int]:
    """The first 90 % of tiny Shakespeare, the rest, and the size of the vocabulary, numbered as seqx does."""
    root = os.environ.get("SEQX_DATA")
    if not root:
        sys.exit("set SEQX_DATA to the folder that holds tinyshakespeare/input.txt")
    raw = (Path(root) / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")
    ids = {character: index + 4 for index, character in enumerate(sorted(set(raw)))}
    text = torch.tensor([ids[character] for character in raw])
    return text[: int(0.9 * len(text))], text[int(0.9 * len(text)) :], len(ids) + 4


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=20, help="blocks of ten steps, each side")
    parser.add_argument(
        "--full", action="store_true", help="all 2,000 steps, then the loss on the whole validation split"
    )
    asked = parser.parse_args()
    training, validation, vocabulary = shakespeare()
    sides: dict[str, Iterator[None]] = {}
    models: dict[str, nn.Module] = {}
    torch.manual_seed(1337)
    models["nanoGPT, float32"] = peer = Peer(vocabulary)
    sides["nanoGPT, float32"] = peer_steps(training, vocabulary, 2000, peer)
    for precision in ("float32", "auto"):
        wanted = recipe_files.load("nanogpt-cpu", [f"training.precision={precision}"])
        choice = device.choose("cpu", precision)
        name = f"seqx nanogpt-cpu, {'bfloat16 products' if choice.numerics.autocast else 'float32'}"
        if name not in models:
            models[name] = model = Gpt(wanted.model, vocabulary)
            sides[name] = seqx_steps(training, wanted, model, choice)
    best = recipe_files.load("gpt-shakespeare")
    models["seqx gpt-shakespeare"] = model = Gpt(best.model, vocabulary)
    sides["seqx gpt-shakespeare"] = seqx_steps(training, best, model, device.choose("cpu"))
    times: dict[str, list[float]] = {name: [] for name in sides}
    for block in range(200 if asked.full else asked.blocks + 1):
        for name, steps in sides.items():
            for _ in range(STEPS_A_BLOCK):
                start = time.perf_counter()
                next(steps)
                if block:  # the first warms up
                    times[name].append(time.perf_counter() - start)
    peer_median = statistics.median(times["nanoGPT, float32"])
    for name, seconds in times.items():
        median = statistics.median(seconds)
        line = f"{name:36} {1000 * median:6.1f} ms a step (median), {median / peer_median:.2f} x nanoGPT"
        if asked.full:
            line += f", {whole_split(models[name].eval(), validation):.4f} nats on the whole validation split"
        print(line)


if __name__ == "__main__":
    main()
