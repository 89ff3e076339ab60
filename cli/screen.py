"""The display of training: a live bar on a terminal, plain lines elsewhere; on standard error, except the scores."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from seq2seq import tasks
from seq2seq.recipe import Recipe
from seq2seq.training.faults import Fault
from seq2seq.training.loop import Progress
from seq2seq.training.session import Event, Started, Stopped, Validated
from seq2seq.training.task import Continuation

from .console import Bar, Console, clock
from .printing import printable

_LINE_EVERY = 30.0  # seconds between plain lines
_SHOW_EVERY = 0.5  # seconds between updates of the bar
# Of a run's scores. Older versions kept those of other evaluations among them.
_OWN_SETS = ("test", "typed", "rollouts", "comparisons")
_FAR_OFF = 0.05  # share by which the first loss may differ from its expected value


class Screen:
    """Shows one training run."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._task = tasks.of(recipe)
        self._console = Console(error=True)

    def say(self, message: str) -> None:
        """One line."""
        self._console.print(message)

    def follow(self, events: Iterator[Event]) -> Stopped:
        """Show events until the last."""
        steps = self._recipe.training.steps
        live = self._console.live
        with Bar(self._console, "step {}", disable=not live) as bar:
            task = bar.add_task("", total=steps)
            meter = _Meter(self._task.predicted, self._task.shown)
            for event in events:
                match event:
                    case Started():
                        self._started(event)
                        bar.update(task, completed=event.step)
                        meter.rest()
                    case Progress():
                        meter.take(event)
                        if live and meter.due(_SHOW_EVERY):
                            bar.update(task, completed=event.step, figures=meter.figures())
                        elif not live and meter.due(_LINE_EVERY):
                            self.say(
                                f"step {event.step:,}/{steps:,}  {'  '.join(meter.figures())}  ETA "
                                f"{meter.remaining(event.step, steps)}"
                            )
                    case Fault():
                        self._fault(event)
                    case Validated():
                        self._validated(event)
                        meter.rest()
                    case Stopped():
                        bar.update(task, completed=event.step, total=event.step if event.finished else steps)
                        if event.finished:
                            self.say(f"Trained: {event.step:,} steps ({event.reason})")
                        return event
        raise AssertionError("a session ends with Stopped")

    def scores(self, record: dict[str, Any]) -> None:
        """The scores of a run on its recipe's own sets."""
        sets = (*_OWN_SETS, self._recipe.data.sacrebleu_test)
        for name, judged in record.get("scores", {}).items():
            if name in sets:
                for line in self._task.score_lines(name, judged):
                    Console().print(line)

    def _started(self, event: Started) -> None:
        if event.step:
            self.say(f"Resuming from step {event.step:,}; {event.parameters:,} parameters")
            if event.different:
                self.say(
                    f"NOTE: {event.different}: the weights will differ in their last bits from those of an "
                    "uninterrupted run; run.json records both"
                )
            return
        self.say(f"Model: {event.parameters:,} parameters")
        if (first := event.first) is None:
            return
        size = "V" if self._task.predicted == "token" else "K"
        self.say(
            f"Loss before training: {first.loss:.3f} nats per {self._task.predicted} (uniform: ln {size} = "
            f"{first.uniform:.3f}; expected at initialisation: {first.expected:.3f})"
        )
        if abs(first.loss / first.expected - 1) > _FAR_OFF:
            self._warn(f"initial loss is off by more than {_FAR_OFF:.0%}; check embedding or initialisation scale")

    def _fault(self, event: Fault) -> None:
        # Skipped updates: only the 1st, 2nd, 4th, 8th and so on; faults.jsonl has all.
        if event.count & (event.count - 1) == 0 or event.kind != "skipped":
            self._warn(event.message)

    def _warn(self, message: str) -> None:
        self._console.print(Text(f"WARNING: {message}", "yellow"))

    def _validated(self, event: Validated) -> None:
        star = " (best so far)" if event.best else ""
        self.say(f"step {event.step:,}: {self._task.validation_line(event.figures)}{star}")
        for sample in event.samples:
            match sample:
                case Continuation():
                    self._console.print(Text.assemble((sample.source, "dim"), sample.output))
                case _:
                    texts = {"source": sample.source, "reference": sample.reference, "model": sample.output}
                    for label, text in texts.items():
                        self._console.print(Text.assemble("    ", (f"{label:12}", "dim"), printable(text)))


class _Meter:
    """Rates since they were last shown, without the time that validations take; reads tensors only when asked for
    figures."""

    def __init__(self, predicted: str, named: Sequence[str]) -> None:
        self._predicted = predicted
        self._named = named  # figures of the last update that are shown
        self._last = 0.0  # when the last update, or an interruption, ended
        self._busy = self._busy_before = 0.0  # seconds spent on updates: since last shown, and before
        self._updates = 0
        self._since: list[Progress] = []  # updates since last shown; their losses stay on the device

    def rest(self) -> None:
        """Do not count the time since the last update."""
        self._last = time.perf_counter()

    def take(self, event: Progress) -> None:
        """Count an update."""
        now = time.perf_counter()
        self._busy += now - self._last
        self._last = now
        self._updates += 1
        self._since.append(event)

    def due(self, seconds: float) -> bool:
        """Whether it is time to show figures again."""
        return self._busy >= seconds

    def figures(self) -> list[str]:
        """The figures since the last call, the most important first."""
        tokens, last = sum(event.tokens for event in self._since), self._since[-1]
        share = sum(event.filled for event in self._since) / sum(event.padded for event in self._since)
        shown = [
            f"loss {float(sum(event.loss * event.tokens for event in self._since)) / tokens:.3f}",
            *(
                f"{name.replace('_', ' ')} {float(last.figures[name]):.3g}"
                for name in self._named
                if name in last.figures
            ),
            f"{tokens / self._busy:,.0f} {self._predicted}s/s",
            f"epoch {last.place.epoch + 1}",
            f"rate {last.learning_rate:.2e}",
            f"padding {1 - share:.0%}",
        ]
        self._busy_before += self._busy
        self._busy = 0.0
        self._since.clear()
        return shown

    def remaining(self, step: int, steps: int) -> str:
        """The time left for the remaining updates at the average speed so far."""
        return clock((steps - step) * (self._busy_before + self._busy) / max(1, self._updates))
