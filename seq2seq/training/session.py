"""A whole training run as a generator of events: start or resume, validate, save, stop early, average."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import torch

from seq2seq.data.batches import Batch, Place
from seq2seq.device import Choice
from seq2seq.errors import RunError
from seq2seq.model.stack import Layered
from seq2seq.pipeline import in_order
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.storage import jsonl
from seq2seq.training import compiled, ema, optimisers, provenance, schedule
from seq2seq.training.checkpoints.retention import Store, TrainingState
from seq2seq.training.faults import Fault, Health, Reader
from seq2seq.training.finishing import finish
from seq2seq.training.loop import Progress, train
from seq2seq.training.parallel.team import ALONE, Team
from seq2seq.training.task import FirstLoss, ModelT, Sample, TrainingTask
from seq2seq.training.updates import UpdateLog


@dataclass(frozen=True)
class Started:
    """Training is about to start, or to resume."""

    step: int  # updates made already
    parameters: int
    first: FirstLoss | None  # None where resumed or begun from a run, or where no particular loss is expected
    different: str = ""  # what computes differently than before, where resumed


@dataclass(frozen=True)
class Validated:
    """A validation; the model was saved after it."""

    step: int
    figures: Mapping[str, float]  # the task's
    best: bool
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Stopped:
    """The end of the generator: finished, or interrupted with all saved."""

    step: int
    reason: str
    finished: bool


Event = Started | Progress | Fault | Validated | Stopped

_ROLLBACKS = 3  # to the same checkpoint, before training gives up


class Session:
    """One training run in one run folder: of `model`, whose faults are counted by `health`."""

    def __init__(
        self, run: Run, recipe: Recipe, model: ModelT, task: TrainingTask[ModelT], device: Choice, team: Team = ALONE
    ) -> None:
        self._run = run
        self._recipe = recipe
        self._task = task
        self._device = device
        self._state = TrainingState()
        self.health = Health()
        self.model = model.to(device.numerics.device)
        self._team = team
        self._update_log = UpdateLog(run.updates, recipe.training.steps)
        if recipe.training.compile:
            compiled.compile_layers(cast(Layered, self.model), device.numerics.device)
        team.distribute(self.model, recipe.training.seed)
        self._optimiser = optimisers.for_recipe(recipe, self.model)
        self._store = Store(
            run.checkpoints, recipe.training, self.model, self._optimiser, device.numerics.device, team, task.source
        )

    def events(self, interrupted: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        """Train until done, or until `interrupted()` is true after an update; both save first. Where the source has
        boundaries, validating, saving and stopping wait for the next one.

        Raises RunError where gradients stay non-finite, at lower learning rates too.
        """
        training = self._recipe.training
        step, faults = self._resume()
        yield self._started(step, self._begin(step))
        yield from faults
        following, reader = self._updates(step), Reader(self._task.watched)
        clock = time.perf_counter()
        self._update_log.begin()
        due = stopping = False
        while due or (step < training.steps and not self._out_of_patience()):
            progress = next(following)
            step = progress.step
            self._state.place = list(progress.place)
            self._state.tokens += progress.tokens
            if training.ema:
                ema.update(self._optimiser, self.model, training.ema, step, progress.skipped)
            yield progress
            # A stop request or lack of memory in one process concerns all.
            stop, pieces = self._team.all_max(interrupted(), progress.pieces)
            stopping |= stop > 0
            due |= step % training.validate_every == 0 or step == training.steps
            saving = (due or stopping) and self._task.source.boundary(progress.place)
            for figures in reader.read(replace(progress, pieces=pieces), all_of_them=saving):
                self._update_log.take(figures)
                yield from self._logged(self.health.take(figures, training.accumulate))
            if self._must_roll_back(saving=saving):
                step, faults = self._roll_back(step)
                yield from faults
                following, reader = self._updates(step), Reader(self._task.watched)
                due, saving = False, True
            elif saving:
                if self._team.main:
                    self._update_log.write()
                validated = self._validate(progress) if due else None
                self._state.seconds += time.perf_counter() - clock
                clock = time.perf_counter()
                if validated and self._team.main:
                    self._log(validated, progress)
                self._store.save(step, self._state, self.health, validated=due)
                self._update_log.begin()
                due = False
                if validated:
                    yield validated
            if stopping and saving and step < training.steps:
                yield Stopped(step, "interrupted", finished=False)
                return
        reason = f"no improvement in {training.patience} validations" if step < training.steps else "all steps done"
        yield from self._finish(step, reason)
        yield Stopped(step, reason, finished=True)

    def _updates(self, step: int) -> Iterator[Progress]:
        source, numerics, training = self._task.source, self._device.numerics, self._recipe.training
        epoch, chunk, index = self._state.place or (0, 0, -1)
        batches = source.stream(Place(epoch, chunk, index + 1))
        return train(
            [weight for weight in self.model.parameters() if weight.requires_grad],
            self._optimiser,
            schedule.for_recipe(self._recipe, self.health.rate),
            ahead(batches, numerics.device) if source.ahead else batches,
            self._task.objective(self.model, numerics),
            numerics,
            step=step,
            accumulate=training.accumulate,
            clip_norm=training.clip_norm,
            team=self._team,
        )

    def _resume(self) -> tuple[int, list[Fault]]:
        """Resume from the newest intact checkpoint: its step, and faults for damaged ones."""
        loaded = self._store.newest()
        if loaded is None:
            if self._team.main:
                self._run.metrics.unlink(missing_ok=True)
                self._run.updates.unlink(missing_ok=True)
                self._run.faults.unlink(missing_ok=True)
            self._store.save(0, self._state, self.health)
            return 0, []
        self._state, self.health = loaded.state, loaded.health
        if loaded.step == self._recipe.training.begin:
            self._state.without_gain = 0  # a run that ended by patience trains longer
        self._trim_logs(loaded.step)
        self._store.prune(self._state, self.health)
        return loaded.step, list(self._logged(loaded.damaged))

    def _must_roll_back(self, *, saving: bool) -> bool:
        """Whether too many updates in a row were skipped, or weights about to be saved are not finite."""
        if self.health.in_a_row >= self._recipe.training.max_skipped:
            return True
        size = torch.nn.utils.get_total_norm(list(self.model.parameters())) if saving else torch.zeros(())
        return not bool(self._team.full_tensor(size).isfinite())

    def _roll_back(self, step: int) -> tuple[int, list[Fault]]:
        """Roll back to before the faults, at half the learning rate. Raises RunError after a few times."""
        former = self.health
        loaded = self._store.before_faults()
        again = former.retreats + 1 if former.retreated_to == loaded.step else 1
        if again > _ROLLBACKS:
            raise RunError(
                f"after step {loaded.step:,} gradients became non-finite {again} times, at last at {former.rate:g} "
                f"times the learning rate; {self._run.faults} names the batches. Train again, in another folder, with "
                f"training.learning_rate under {schedule.peak(self._recipe) * former.rate:.1e} or "
                "training.clip_norm = 1"
            )
        self._state = loaded.state
        self.health = replace(
            loaded.health,
            rate=former.rate / 2,
            retreats=again,
            retreated_to=loaded.step,
            skipped=former.skipped,
            pieces=former.pieces,
            logged=former.logged,
        )
        enough = former.in_a_row >= self._recipe.training.max_skipped
        cause = f"{former.in_a_row} non-finite gradients in a row" if enough else "non-finite weights"
        rate = f"{self.health.rate:g} times the learning rate"
        message = f"step {step:,}: {cause}; rolled back to step {loaded.step:,}, at {rate}"
        faults = list(self._logged([*loaded.damaged, Fault(step, "retreat", message, count=again)]))
        self._store.save(loaded.step, self._state, self.health)
        self._trim_logs(loaded.step)
        self._update_log.begin()
        self._begin(loaded.step)
        return loaded.step, faults

    def _begin(self, step: int) -> str:
        """Record hardware and versions from this step on; returns how they differ from those before."""
        return provenance.begin_session(self._run, step, self._device.numerics, self._team) if self._team.main else ""

    def _started(self, step: int, different: str) -> Started:
        first = None
        if step == 0 and self._recipe.start is None:
            with self._uncompiled(), self._team.full_model(self.model) as model:
                if model is not None:
                    first = self._task.first_loss(model, self._device.numerics)
        parameters = sum(p.numel() for p in self.model.parameters())
        return self._team.broadcast(Started(step, parameters, first, different))

    def _uncompiled(self) -> AbstractContextManager[None]:
        return compiled.uncompiled() if self._recipe.training.compile else nullcontext()

    def _validate(self, progress: Progress) -> Validated:
        averaged = self._recipe.training.keep == "ema"
        validation = None
        with (
            self._uncompiled(),
            ema.in_place(self._optimiser, self.model) if averaged else nullcontext(),
            self._team.full_model(self.model) as model,
        ):
            if model is not None:
                validation = self._task.validate(model, self._device.numerics)
        validation = self._team.broadcast(validation)
        assert validation is not None, "the first process has the whole model"
        best = self._remember(progress.step, self._task.ranking(validation.figures))
        return Validated(progress.step, validation.figures, best, validation.samples)

    def _remember(self, step: int, figure: float) -> bool:
        """Record the ranking of a validation; whether it is the best so far."""
        state = self._state
        if not math.isfinite(figure):
            state.without_gain += 1
            return False
        # The first of equals.
        ranked = sorted([*state.best, [figure, step]], key=lambda ranked: (-ranked[0], ranked[1]))
        state.former_best = state.best
        state.best = ranked[: self._recipe.training.keep_best]
        if state.best_value is None or figure > state.best_value:
            state.best_value, state.without_gain = figure, 0
            return True
        state.without_gain += 1
        return False

    def _out_of_patience(self) -> bool:
        patience = self._recipe.training.patience
        return patience > 0 and self._state.without_gain >= patience

    def _log(self, validated: Validated, progress: Progress) -> None:
        row: dict[str, Any] = {
            "step": validated.step,
            "epoch": progress.place.epoch,
            "train_loss": progress.loss.item(),
            "learning_rate": progress.learning_rate,
            "gradient_norm": progress.gradient_norm.item(),
            **{f"update_{name}": value.item() for name, value in progress.figures.items()},
            **{f"dev_{name}": value for name, value in validated.figures.items()},
            "best": validated.best,
            "tokens": self._state.tokens,
            "skipped": self.health.skipped,
            "seconds": round(self._state.seconds, 2),
            "samples": [asdict(sample) for sample in validated.samples],
        }
        jsonl.append(self._run.metrics, row)

    def _logged(self, faults: Iterable[Fault]) -> Iterator[Fault]:
        for fault in faults:
            figures = fault.figures
            row: dict[str, Any] = {"step": fault.step, "kind": fault.kind, "message": fault.message}
            if figures is not None:
                row |= figures.place._asdict() | {
                    "loss": figures.loss,
                    "gradient_norm": figures.gradient_norm,
                    "learning_rate": figures.learning_rate,
                }
            if self._team.main:
                jsonl.append(self._run.faults, row)
            self.health.logged += 1
            yield fault

    def _trim_logs(self, step: int) -> None:
        """Drop what was logged after the checkpoint that training resumes from: it will be logged again."""
        if not self._team.main:
            return
        for path in (self._run.metrics, self._run.updates):
            jsonl.cut(path, lambda _, row: row["step"] <= step)
        jsonl.cut(self._run.faults, lambda number, _: number < self.health.logged)

    def _finish(self, step: int, reason: str) -> Iterator[Fault]:
        averaged = self._recipe.training.keep == "ema"
        averages = self._team.gather(ema.averages(self._optimiser, self.model)) if averaged else {}
        if self._team.main:
            faults = finish(self._run, self._store, self._state, self.health, averages, step=step, reason=reason)
            yield from self._logged(faults)


def ahead(batches: Iterator[tuple[Place, Batch]], device: torch.device) -> Iterator[tuple[Place, Batch]]:
    """The same batches; on a GPU the next is prepared while the current one is computed."""
    if device.type == "cpu":
        return batches
    return in_order(batches, lambda batch, _: batch, lambda batch: batch, workers=1)
