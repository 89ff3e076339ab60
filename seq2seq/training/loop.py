"""The training loop: a generator of what happened, one value an update. It prints, evaluates, saves and stops
nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from seq2seq.data.batches import Batch, Place
from seq2seq.device import Numerics
from seq2seq.training.loss import summed_loss
from seq2seq.training.schedule import Schedule


class Trainable(Protocol):
    """What the loop knows of a model."""

    head: nn.Linear

    @property
    def hidden(self) -> Callable[..., Tensor]:
        """Inputs of a batch -> the states before `head`, (B, T, C)."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """All weights."""

    def train(self, mode: bool = True) -> nn.Module:
        """Turn dropout on or off."""


@dataclass(frozen=True)
class Progress:
    """One update. Tensors stay on the device: read them when you show them, not at each step."""

    step: int
    place: Place  # of the last batch used; training goes on with the next
    loss: Tensor  # smoothed, mean over the update's tokens, nats
    gradient_norm: Tensor
    learning_rate: float
    tokens: int  # target tokens of the update
    padded: int
    filled: int


def train(
    model: Trainable,
    optimiser: torch.optim.Optimizer,
    schedule: Schedule,
    batches: Iterator[tuple[Place, Batch]],
    numerics: Numerics,
    *,
    step: int = 0,
    accumulate: int = 1,
    label_smoothing: float = 0.1,
    clip_norm: float = 0.0,
) -> Iterator[Progress]:
    """Update the model for ever, from update `step` + 1 on; the caller stops asking when it has enough.

    The gradient of an update is that of its summed loss divided by all its tokens, however many batches it took.
    """
    parameters = list(model.parameters())
    while True:
        step += 1
        taken = [next(batches) for _ in range(accumulate)]
        tokens = sum(batch.tokens for _, batch in taken)
        rate = schedule(step)
        for group in optimiser.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        model.train()
        total = torch.zeros((), device=numerics.device)
        for _, batch in taken:
            moved = batch.to(numerics.device)
            with numerics.context():
                loss, _ = summed_loss(model.hidden(*moved.inputs), model.head.weight, moved.labels, label_smoothing)
            (loss / tokens).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        norm = torch.nn.utils.clip_grad_norm_(parameters, clip_norm or float("inf"))
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        yield Progress(
            step, taken[-1][0], total / tokens, norm, rate, tokens,
            padded=sum(batch.padded for _, batch in taken),
            filled=sum(batch.filled for _, batch in taken),
        )  # fmt: skip


@torch.no_grad()
def evaluate(
    model: Trainable, batches: Sequence[Batch], numerics: Numerics, label_smoothing: float
) -> tuple[float, float]:
    """Mean (smoothed loss, negative log-likelihood) per target token, in nats, without dropout."""
    model.train(False)
    losses = torch.zeros(2, device=numerics.device)
    for batch in batches:
        moved = batch.to(numerics.device)
        with numerics.context():
            losses += torch.stack(
                summed_loss(model.hidden(*moved.inputs), model.head.weight, moved.labels, label_smoothing)
            )
    smoothed, plain = (losses / sum(batch.tokens for batch in batches)).tolist()
    return smoothed, plain
