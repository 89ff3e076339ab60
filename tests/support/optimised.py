"""A tiny GPT with an optimiser, and an update of it."""

from __future__ import annotations

from typing import Any

import torch

from seq2seq import recipe
from seq2seq.model.gpt import Gpt
from seq2seq.training import optimisers

MODEL = recipe.Model(
    architecture="decoder-only",
    d_model=16,
    d_ff=32,
    n_heads=2,
    decoder_layers=2,
    norm="pre",
    positions="learned",
    dropout=0.0,
)


def made(kind: str, **options: Any) -> tuple[Gpt, optimisers.Optimiser]:
    """A model and its optimiser, by its kind and the options of that."""
    torch.manual_seed(1)
    model = Gpt(MODEL, 30)
    values = {"model": MODEL, "training": {"learning_rate": 1e-2}, "optimizer": {"kind": kind, **options}}
    return model, optimisers.for_recipe(recipe.validated(values, "optimised"), model)


def update(model: Gpt, optimiser: torch.optim.Optimizer, rate: float, seed: int = 1) -> None:
    """One update on random tokens."""
    tokens = torch.randint(30, (4, 9), generator=torch.Generator().manual_seed(seed))
    loss = torch.nn.functional.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
    loss.backward()
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("share", 1.0)
    optimiser.step()
    optimiser.zero_grad()
