"""Where the time of an update goes: data, forward, loss, backward, optimiser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from seq2seq.training.loop import Trainable

PARTS = ("data", "forward", "loss", "backward", "optimiser")


class Watch:
    """Adds up the seconds of each part; `wait` sees to the end of what a device was told, which costs time of its own
    where there is a GPU."""

    def __init__(self, wait: Callable[[], None], clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._wait = wait
        self._clock = clock
        self._part = PARTS[0]
        self._since = clock()

    def enter(self, part: str) -> None:
        """What comes now is of this part."""
        self._wait()
        now = self._clock()
        self.seconds[self._part] += now - self._since
        self._part, self._since = part, now

    def start(self) -> None:
        """Forget what was; an update begins, with its data."""
        self.enter(PARTS[0])
        self.seconds = dict.fromkeys(PARTS, 0.0)


class Watched:
    """A model to be trained that tells a watch where its update is.

    Data lasts until the forward pass is called; the loss has its own gradient in it, that of the head among it;
    backward is the rest of the gradient; all that follows is the optimiser's.
    """

    def __init__(self, model: Trainable, watch: Watch) -> None:
        self.head: nn.Linear = model.head
        self._model = model
        self._watch = watch

    @property
    def hidden(self) -> Callable[..., Tensor]:
        """The model's own, between two looks at the clock."""

        def watched(*inputs: Any) -> Tensor:
            self._watch.enter("forward")
            states = self._model.hidden(*inputs)
            states.register_hook(self._backward)  # type: ignore[no-untyped-call]
            self._watch.enter("loss")
            return states

        return watched

    def parameters(self) -> Iterator[nn.Parameter]:
        """All weights."""
        return self._model.parameters()

    def train(self, mode: bool = True) -> nn.Module:
        """Turn dropout on or off."""
        return self._model.train(mode)

    def _backward(self, gradient: Tensor) -> Tensor:
        self._watch.enter("backward")
        engine: Any = torch.autograd.Variable._execution_engine  # its only way to say that a pass has ended
        engine.queue_callback(lambda: self._watch.enter("optimiser"))
        return gradient
