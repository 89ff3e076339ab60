"""Where the time of an update goes: data, forward, loss, backward, optimiser."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from seq2seq.training.objective import Predictor

PHASES = ("data", "forward", "loss", "backward", "optimiser")
_OF_PASSES = PHASES[1:-1]


class Watched:
    """A model that adds up the seconds of each phase of its update; `wait` waits for the device, which itself takes
    time on a GPU.

    Data lasts until the forward pass is called; the loss includes its own gradient and that of the head; backward is
    the rest of the gradient; everything after it belongs to the optimiser. Where several threads compute passes, the
    time from the first start to the last end is divided among the phases in proportion to the time that the threads
    spent in them.
    """

    def __init__(
        self, model: Predictor, wait: Callable[[], None], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.head: nn.Linear = model.head
        self._model = model
        self._wait = wait
        self._clock = clock
        self._entered: list[tuple[float, int, str]] = []  # when, by which thread, what
        self.start()

    def start(self) -> None:
        """Reset: an update begins, with its data."""
        self._wait()
        self._entered.clear()
        self._started = self._clock()

    def enter(self, phase: str) -> None:
        """This thread begins a phase."""
        self._wait()
        self._entered.append((self._clock(), threading.get_ident(), phase))

    def seconds(self) -> dict[str, float]:
        """Seconds of each phase, now that the update has ended."""
        self._wait()
        end = self._clock()
        spent = dict.fromkeys(_OF_PASSES, 0.0)
        former: dict[int, tuple[str, float]] = {}
        for now, thread, phase in sorted(self._entered):
            before, since = former.get(thread, ("", now))
            if before in spent:
                spent[before] += now - since
            former[thread] = phase, now
        times = [now for now, *_ in self._entered] or [end]
        first, last, busy = min(times), max(times), sum(spent.values()) or 1.0
        shares = {phase: seconds / busy * (last - first) for phase, seconds in spent.items()}
        return {PHASES[0]: first - self._started, **shares, PHASES[-1]: end - last}

    def hidden(self, *inputs: Any) -> Tensor:
        """The model's own, timed."""
        self.enter("forward")
        states = self._model.hidden(*inputs)
        states.register_hook(self._backward)  # type: ignore[no-untyped-call]
        self.enter("loss")
        return states

    def train(self, mode: bool = True) -> nn.Module:
        """Turn dropout on or off."""
        return self._model.train(mode)

    def _backward(self, gradient: Tensor) -> Tensor:
        self.enter("backward")
        engine: Any = torch.autograd.Variable._execution_engine  # the only hook for the end of a pass
        engine.queue_callback(lambda: self.enter("optimiser"))
        return gradient
