"""The training loop: a generator of one `Progress` per update, whose caller prints, evaluates, saves and stops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from seq2seq.data.batches import Batch, Place
from seq2seq.device import Numerics, large_products
from seq2seq.training.gradient import FixedLimit, MicroBatchLimit, gradient, passes_on
from seq2seq.training.objective import Objective
from seq2seq.training.optimisers import step_unless
from seq2seq.training.parallel.team import ALONE, Team
from seq2seq.training.schedule import Schedule


@dataclass(frozen=True)
class Progress:
    """One update. Tensors stay on the device: read them when you show them, not at each step."""

    step: int
    place: Place  # of the last batch used; training continues with the next
    loss: Tensor  # mean over the update's tokens, as are the figures
    figures: Mapping[str, Tensor]  # the objective's
    gradient_norm: Tensor
    learning_rate: float
    tokens: int  # labels of the update that count
    padded: int
    filled: int
    pieces: int  # micro-batches computed: more than the batches where one did not fit into memory
    skipped: Tensor  # bool: loss or gradient were not finite, and weights and optimiser are unchanged


def train(
    parameters: Sequence[nn.Parameter],
    optimiser: torch.optim.Optimizer,
    schedule: Schedule,
    batches: Iterator[tuple[Place, Batch]],
    objective: Objective,
    numerics: Numerics,
    *,
    step: int = 0,
    accumulate: int = 1,
    clip_norm: float = 0.0,
    team: Team = ALONE,
) -> Iterator[Progress]:
    """Update a model's parameters without end, from update `step` + 1 on; the caller stops iterating.

    The gradient of an update is that of its summed loss divided by all its tokens, however many batches and
    micro-batches it took: where memory runs out the update is computed again from halves, and no batch as large is
    tried whole again. The processes of a `team` share the rows of each batch; loss and gradient are those of all rows.
    An update whose loss or gradient is not finite is skipped, and yielded as skipped. Raises DeviceError where not even
    one row fits.
    """
    limit = MicroBatchLimit() if team.cuts else FixedLimit()
    with passes_on(numerics.device, side_by_side=team.cuts) as passes:
        while True:
            step += 1
            taken = [next(batches) for _ in range(accumulate)]
            tokens = sum(batch.tokens for _, batch in taken)
            rate = schedule(step)
            for group in optimiser.param_groups:
                group["lr"] = rate * group.get("share", 1.0)
            objective.begin(step)
            team.begin_update(step)
            shares = [team.rows_of(batch) for _, batch in taken]
            with large_products():
                measured, pieces = gradient(
                    passes, partial(objective, step=step), shares, tokens / team.divisor, parameters, limit,
                    numerics.device,
                )  # fmt: skip
            sums = team.all_reduce(torch.stack((measured.loss, *measured.figures.values())), parameters)
            norm = team.full_tensor(torch.nn.utils.clip_grad_norm_(parameters, clip_norm or float("inf")))
            loss, *figures = sums / tokens
            skipped = (loss + norm).isfinite().logical_not()
            step_unless(skipped, optimiser)
            optimiser.zero_grad(set_to_none=True)
            yield Progress(
                step, taken[-1][0], loss, dict(zip(measured.figures, figures)), norm, rate, tokens,
                padded=sum(batch.padded for _, batch in taken),
                filled=sum(batch.filled for _, batch in taken),
                pieces=pieces,
                skipped=skipped,
            )  # fmt: skip
