"""Faults of updates: non-finite gradients, divergence, out of memory. Each is reported once, with its batch."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from seq2seq.data.batches import Place
from seq2seq.training.loop import Progress

_LATE = 2  # updates that CUDA may lag behind the host when their figures are read
_SLOW, _FAST = 0.99, 0.9  # decays of the running means of the watched figure
_TRUSTED = 100  # updates before the slow mean counts as the usual value
_FAR, _NEAR = 1.5, 1.2  # times the usual loss: where divergence begins, and where it ends
_MARGIN = 0.1  # nats, added to them: twice a loss near zero is still near zero


@dataclass(frozen=True)
class UpdateFigures:
    """The figures of one update, as Python numbers."""

    step: int
    place: Place
    loss: float
    gradient_norm: float
    learning_rate: float
    pieces: int
    watched: tuple[str, float] | None = None  # name and value of the figure that shows divergence; None = none does
    tokens: int = 0
    others: Mapping[str, float] = field(default_factory=dict)  # the objective's

    @property
    def finite(self) -> bool:
        """Whether loss and gradient were finite, so that the update was made."""
        return math.isfinite(self.loss + self.gradient_norm)

    def __str__(self) -> str:
        return (
            f"loss {self.loss:.3f}, gradient norm {self.gradient_norm:.3g}, rate {self.learning_rate:.2e}, batch "
            f"{self.place.index} of chunk {self.place.chunk}, epoch {self.place.epoch}"
        )


class Reader:
    """Reads the figures of updates without waiting for the device: at once, and on CUDA two updates later, when they
    are available. `watched` names the figure, or the loss, that shows divergence; None = none does."""

    def __init__(self, watched: str | None) -> None:
        self._watched = watched
        self._waiting: deque[tuple[Progress, Tensor, torch.cuda.Event | None]] = deque()

    def read(self, progress: Progress, *, all_of_them: bool) -> list[UpdateFigures]:
        """The figures that are available by now, in order; or those of all updates up to this one."""
        values = torch.stack(
            [progress.loss, progress.gradient_norm.to(progress.loss.dtype), *progress.figures.values()]
        )
        event = None
        if values.is_cuda:
            values = values.to("cpu", non_blocking=True)
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record()
        self._waiting.append((progress, values, event))
        late = 0 if all_of_them or event is None else _LATE
        return [self._next() for _ in range(len(self._waiting) - late)]

    def _next(self) -> UpdateFigures:
        progress, values, event = self._waiting.popleft()
        if event is not None:
            event.synchronize()
        loss, norm, *rest = values.tolist()
        others = dict(zip(progress.figures, rest, strict=True))
        watched = None if self._watched is None else (self._watched, {"loss": loss, **others}[self._watched])
        return UpdateFigures(
            progress.step, progress.place, loss, norm, progress.learning_rate, progress.pieces, watched,
            progress.tokens, others,
        )  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What went wrong, and what was done about it."""

    step: int
    kind: Literal["skipped", "memory", "divergence", "retreat", "checkpoint"]
    message: str  # complete, for people
    figures: UpdateFigures | None = None
    count: int = 1  # of its kind so far


@dataclass
class Health:
    """The faults of a training run so far; numbers only, for a checkpoint."""

    skipped: int = 0
    in_a_row: int = 0
    pieces: int = 0  # most that an update has been cut into
    taken: int = 0  # updates in the running means
    usual: float = 0.0
    recent: float = 0.0
    diverging: bool = False
    rate: float = 1.0  # share of the schedule's
    retreats: int = 0  # to one and the same checkpoint
    retreated_to: int = -1
    logged: int = 0  # faults

    def take(self, figures: UpdateFigures, accumulate: int) -> Iterator[Fault]:
        """Record an update; yields the faults that it shows."""
        if figures.pieces > max(accumulate, self.pieces):
            self.pieces = figures.pieces
            yield Fault(
                figures.step,
                "memory",
                f"step {figures.step:,}: out of memory; updates are computed in {figures.pieces} micro-batches from "
                "here on: the same gradient, more slowly; a smaller training.batch_tokens avoids it",
                figures,
            )
        if not figures.finite:
            self.skipped += 1
            self.in_a_row += 1
            yield Fault(
                figures.step,
                "skipped",
                f"step {figures.step:,}: non-finite gradient, update skipped, {self.skipped:,} so far ({figures})",
                figures,
                self.skipped,
            )
            return
        self.in_a_row = 0
        if figures.watched is not None:
            yield from self._divergence(figures, *figures.watched)

    def _divergence(self, figures: UpdateFigures, name: str, value: float) -> Iterator[Fault]:
        self.recent = value + _FAST * (self.recent - value) if self.taken else value
        if self.diverging:
            self.diverging = self.recent > _NEAR * self.usual + _MARGIN
        elif self.taken >= _TRUSTED and self.recent > _FAR * self.usual + _MARGIN:
            self.diverging = True
            yield Fault(
                figures.step,
                "divergence",
                f"step {figures.step:,}: the {name.replace('_', ' ')} diverges: {self.recent:.3f} recently, "
                f"{self.usual:.3f} before ({figures}); a lower training.learning_rate or training.clip_norm = 1 helps",
                figures,
            )
        if not self.diverging:
            decay = min(_SLOW, self.taken / (self.taken + 1))
            self.usual = value + decay * (self.usual - value)
        self.taken += 1
