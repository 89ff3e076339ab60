"""A whole training: start or resume, validate, save, stop early, average. A generator of events; the command shows
them."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from seq2seq import build, recipe
from seq2seq.data.batches import Batch, Place
from seq2seq.device import Choice
from seq2seq.errors import RunError
from seq2seq.files import write_bytes
from seq2seq.pipeline import in_order
from seq2seq.run import Run
from seq2seq.training import checkpoint, compiled, ema, optimisers, schedule
from seq2seq.training.loop import Progress, evaluate, train
from seq2seq.training.loss import expected_at_start
from seq2seq.training.tasks import Sample, Task
from seq2seq.weights import save_weights


@dataclass(frozen=True)
class Started:
    """Training is about to begin, or to go on."""

    step: int  # updates done already
    parameters: int
    first_loss: float | None  # nats a token, before any update; None where resumed
    uniform_loss: float  # ln V: knowing nothing
    expected_loss: float  # what these initial weights should give


@dataclass(frozen=True)
class Validated:
    """A validation; the model was saved after it."""

    step: int
    loss: float  # label-smoothed, nats a token
    negative_log_likelihood: float
    bleu: float | None  # greedy, on the first sentences of dev, where the task is translation
    best: bool
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Stopped:
    """The end of the generator: finished, or interrupted with all saved."""

    step: int
    reason: str
    finished: bool


Event = Started | Progress | Validated | Stopped


@dataclass
class _Memory:
    """What a checkpoint remembers beside tensors."""

    place: list[int] | None = None
    best_step: int = 0
    best_value: float | None = None
    without_gain: int = 0
    best: list[list[float]] = field(default_factory=list)  # (figure, step), best first
    seconds: float = 0.0
    tokens: int = 0


class Session:
    """One training in one run folder."""

    def __init__(self, run: Run, wanted: recipe.Recipe, model: build.Model, task: Task, choice: Choice) -> None:
        self._run = run
        self._recipe = wanted
        self._task = task
        self._choice = choice
        self._memory = _Memory()
        self._model = model.to(choice.numerics.device)
        self._optimiser = optimisers.for_recipe(wanted, self._model)
        if wanted.training.compile:
            compiled.compile_layers(self._model, choice.numerics.device)

    def events(self, interrupted: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        """Train until done, or until `interrupted()` is true after an update; both save first."""
        training = self._recipe.training
        step = self._resume()
        yield self._started(step)
        place = self._memory.place
        stream = ahead(self._task.stream(Place() if place is None else _after(*place)), self._choice.numerics.device)
        updates = train(
            self._model,
            self._optimiser,
            schedule.for_recipe(self._recipe),
            stream,
            self._choice.numerics,
            step=step,
            accumulate=training.accumulate,
            label_smoothing=training.label_smoothing,
            clip_norm=training.clip_norm,
        )
        clock = time.perf_counter()
        while step < training.steps and not self._out_of_patience():
            progress = next(updates)
            step = progress.step
            self._memory.place = list(progress.place)
            self._memory.tokens += progress.tokens
            if training.ema:
                ema.update(self._optimiser, self._model, training.ema, step)
            yield progress
            stopping = interrupted()
            due = step % training.validate_every == 0 or step == training.steps
            validated = self._validate(progress) if due else None
            if due or stopping:
                self._memory.seconds += time.perf_counter() - clock
                clock = time.perf_counter()
                if validated:
                    self._log(validated, progress)
                self._save(step)
            if validated:
                yield validated
            if stopping and step < training.steps:
                yield Stopped(step, "interrupted", finished=False)
                return
        reason = f"no gain in {training.patience} validations" if step < training.steps else "all steps done"
        self._finish(step, reason)
        yield Stopped(step, reason, finished=True)

    def _resume(self) -> int:
        present = checkpoint.steps(self._run.checkpoints)
        if not present:
            self._run.metrics.unlink(missing_ok=True)
            return 0
        state = checkpoint.load(
            checkpoint.folder(self._run.checkpoints, present[-1]),
            self._model,
            self._optimiser,
            self._choice.numerics.device,
        )
        self._memory = _Memory(**state["memory"])
        self._trim_metrics(present[-1])
        return present[-1]

    def _started(self, step: int) -> Started:
        first = None
        if step == 0:
            with self._as_written():
                _, first = evaluate(self._model, self._task.validation[:1], self._choice.numerics, 0.0)
        gains = self._model.last_norm.get_parameter("weight")
        return Started(
            step,
            sum(p.numel() for p in self._model.parameters()),
            first,
            math.log(self._task.vocabulary),
            expected_at_start(self._model.head, gains),
        )

    def _as_written(self) -> AbstractContextManager[None]:
        return compiled.as_written() if self._recipe.training.compile else nullcontext()

    def _validate(self, progress: Progress) -> Validated:
        averaged = self._recipe.training.keep == "ema"
        with self._as_written(), ema.in_place(self._optimiser, self._model) if averaged else nullcontext():
            smoothing = self._recipe.training.label_smoothing
            loss, plain = evaluate(self._model, self._task.validation, self._choice.numerics, smoothing)
            value, samples = self._task.try_out(self._model, self._choice.numerics)
        return Validated(progress.step, loss, plain, value, self._remember(progress.step, value, loss), samples)

    def _remember(self, step: int, value: float | None, loss: float) -> bool:
        """Take in a validation; whether it is the best so far."""
        memory = self._memory
        figure = value if self._recipe.training.metric == "bleu" and value is not None else -loss
        if not math.isfinite(figure):
            memory.without_gain += 1
            return False
        # Of equals the first, as `best_step` below.
        ranked = sorted([*memory.best, [figure, step]], key=lambda each: (-each[0], each[1]))
        memory.best = ranked[: self._recipe.training.keep_best]
        if memory.best_value is None or figure > memory.best_value:
            memory.best_value, memory.best_step, memory.without_gain = figure, step, 0
            return True
        memory.without_gain += 1
        return False

    def _out_of_patience(self) -> bool:
        patience = self._recipe.training.patience
        return patience > 0 and self._memory.without_gain >= patience

    def _save(self, step: int) -> None:
        checkpoints = self._run.checkpoints
        checkpoint.save(
            checkpoints,
            step,
            self._model,
            self._optimiser,
            {"memory": asdict(self._memory)},
            self._choice.numerics.device,
        )
        last = self._validated_steps()[-self._recipe.training.average_last :]
        checkpoint.prune(checkpoints, [*last, *(int(best) for _, best in self._memory.best)])

    def _validated_steps(self) -> list[int]:
        """Checkpoints of validations: those that an interruption left are for resuming alone."""
        every = self._recipe.training.validate_every
        return [
            step
            for step in checkpoint.steps(self._run.checkpoints)
            if step % every == 0 or step == self._recipe.training.steps
        ]

    def _log(self, validated: Validated, progress: Progress) -> None:
        row: dict[str, Any] = {
            "step": validated.step,
            "epoch": progress.place.epoch,
            "train_loss": progress.loss.item(),
            "learning_rate": progress.learning_rate,
            "gradient_norm": progress.gradient_norm.item(),
            "dev_loss": validated.loss,
            "dev_negative_log_likelihood": validated.negative_log_likelihood,
            **({} if validated.bleu is None else {"dev_bleu": validated.bleu}),
            "best": validated.best,
            "tokens": self._memory.tokens,
            "seconds": round(self._memory.seconds, 2),
            "samples": [asdict(sample) for sample in validated.samples],
        }
        with self._run.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def _trim_metrics(self, step: int) -> None:
        """Drop what was logged after the checkpoint that training goes on from: it will be logged again."""
        if self._run.metrics.is_file():
            rows = self._run.metrics.read_text(encoding="utf-8").split("\n")
            kept = [row for row in rows if row.endswith("}") and json.loads(row)["step"] <= step]
            write_bytes(self._run.metrics, "".join(row + "\n" for row in kept).encode())

    def _finish(self, step: int, reason: str) -> None:
        training = self._recipe.training
        if training.keep == "average":
            chosen = self._validated_steps()[-training.average_last :]
        else:
            chosen = [self._memory.best_step if training.keep == "best" else step]
        if training.keep == "ema":
            weights = ema.averages(self._optimiser, self._model)
        else:
            weights = checkpoint.average([checkpoint.folder(self._run.checkpoints, each) for each in chosen])
        if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
            raise RunError(
                f"training diverged: the weights of steps {chosen} are not finite; lower training.learning_rate"
            )
        save_weights(weights, self._run.weights)
        self._run.note(
            finished={
                "step": step,
                "reason": reason,
                "seconds": round(self._memory.seconds, 1),
                "target_tokens": self._memory.tokens,
            },
            weights={"made": training.keep, "steps": chosen},
        )


def ahead(batches: Iterator[tuple[Place, Batch]], device: torch.device) -> Iterator[tuple[Place, Batch]]:
    """The same batches; where a GPU computes, the next is made meanwhile."""
    if device.type == "cpu":
        return batches
    return in_order(batches, lambda batch, _: batch, lambda batch: batch, workers=1)


def _after(epoch: int, chunk: int, index: int) -> Place:
    return Place(epoch, chunk, index + 1)
