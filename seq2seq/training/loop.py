"""The training loop: a generator of what happened, one value an update. It prints, evaluates, saves and stops
nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from seq2seq.data.batches import Batch, Place
from seq2seq.device import Numerics, large_products
from seq2seq.training.distributed import ALONE, Team
from seq2seq.training.gradient import FixedRoom, Room, gradient, passes_on
from seq2seq.training.loss import summed_loss
from seq2seq.training.optimisers import step_unless
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
    pieces: int  # that its batches were computed in: more than the batches where memory would not hold one
    skipped: Tensor  # bool: loss or gradient were not finite, and weights and optimiser are as they were


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
    team: Team = ALONE,
) -> Iterator[Progress]:
    """Update the model for ever, from update `step` + 1 on; the caller stops asking when it has enough.

    The gradient of an update is that of its summed loss divided by all its tokens, however many batches it took, and
    in however many pieces: where memory runs out the update is computed anew from halves, and no batch as large is
    tried whole again. Several processes, a `team`, take the rows of each batch among them; loss and gradient are of all
    rows. An update whose loss or gradient is not finite is skipped, and yielded as skipped. Raises DeviceError where
    not even a row fits.
    """
    parameters = list(model.parameters())
    room = Room() if team.cuts else FixedRoom()

    def loss(batch: Batch) -> Tensor:
        return _loss(model, batch, numerics, label_smoothing)[0]

    with passes_on(numerics.device, side_by_side=team.cuts) as passes:
        while True:
            step += 1
            taken = [next(batches) for _ in range(accumulate)]
            tokens = sum(batch.tokens for _, batch in taken)
            rate = schedule(step)
            for group in optimiser.param_groups:
                group["lr"] = rate * group.get("share", 1.0)
            model.train()
            team.begin(step)
            shares = [team.share(batch) for _, batch in taken]
            with large_products():
                total, pieces = gradient(passes, loss, shares, tokens / team.divisor, parameters, room, numerics.device)
            total = team.collect(total, parameters)
            norm = team.whole_number(torch.nn.utils.clip_grad_norm_(parameters, clip_norm or float("inf")))
            skipped = (total + norm).isfinite().logical_not()
            step_unless(skipped, optimiser)
            optimiser.zero_grad(set_to_none=True)
            yield Progress(
                step, taken[-1][0], total / tokens, norm, rate, tokens,
                padded=sum(batch.padded for _, batch in taken),
                filled=sum(batch.filled for _, batch in taken),
                pieces=pieces,
                skipped=skipped,
            )  # fmt: skip


def _loss(model: Trainable, batch: Batch, numerics: Numerics, label_smoothing: float) -> tuple[Tensor, Tensor]:
    moved = batch.to(numerics.device)
    with numerics.context():
        hidden = model.hidden(*moved.inputs)
        return summed_loss(hidden, model.head.weight, moved.labels, label_smoothing, moved.counted)


@torch.no_grad()
def evaluate(
    model: Trainable, batches: Sequence[Batch], numerics: Numerics, label_smoothing: float
) -> tuple[float, float]:
    """Mean (smoothed loss, negative log-likelihood) per target token, in nats, without dropout."""
    model.train(False)
    losses = torch.zeros(2, device=numerics.device)
    for batch in batches:
        losses += torch.stack(_loss(model, batch, numerics, label_smoothing))
    smoothed, plain = (losses / sum(batch.tokens for batch in batches)).tolist()
    return smoothed, plain
