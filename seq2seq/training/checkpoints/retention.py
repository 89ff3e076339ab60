"""Which checkpoints of a training run are kept, and which one training resumes from or rolls back to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field, FiniteFloat, NonNegativeInt, TypeAdapter, ValidationError
from torch import Tensor, nn

from seq2seq.data.batches import BatchSource
from seq2seq.errors import RunError
from seq2seq.recipe import Training
from seq2seq.training.checkpoints import checkpoint
from seq2seq.training.faults import Fault, Health
from seq2seq.training.optimisers import Optimiser
from seq2seq.training.parallel.team import ALONE, Team

PlaceNumbers = Annotated[list[NonNegativeInt], Field(min_length=3, max_length=3)]  # of a place
Ranked = Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]  # (figure, step)


@dataclass
class TrainingState:
    """What a checkpoint stores besides tensors and faults."""

    place: PlaceNumbers | None = None
    best_value: float | None = None
    without_gain: int = 0
    best: list[Ranked] = field(default_factory=list)  # best first
    # At the previous validation, to which training may roll back.
    former_best: list[Ranked] = field(default_factory=list)
    seconds: float = 0.0
    tokens: int = 0


@dataclass(frozen=True)
class Loaded:
    """A checkpoint that was loaded."""

    step: int
    state: TrainingState
    health: Health
    damaged: tuple[Fault, ...]  # faults of later checkpoints, which could not be used


@dataclass(frozen=True)
class Store:
    """Saves a model and its optimiser under a folder, and loads them again. Of a team, the first process writes,
    deletes, and loads before the others."""

    folder: Path
    training: Training
    model: nn.Module
    optimiser: Optimiser
    device: torch.device
    team: Team = ALONE
    source: BatchSource | None = None

    def save(self, step: int, state: TrainingState, health: Health, *, validated: bool = False) -> None:
        """Write a checkpoint, of a model that was `validated` or not; delete those that are no longer needed."""
        values: dict[str, Any] = {"memory": asdict(state), "health": asdict(health)}
        source = self.source.state() if self.source else {}
        tensors = {name: value for name, value in source.items() if isinstance(value, Tensor)}
        if others := {name: value for name, value in source.items() if name not in tensors}:
            values["source"] = others
        if validated and not self._on_schedule(step):
            values["validated"] = True
        checkpoint.save(self.folder, step, self.model, self.optimiser, values, self.device, self.team, tensors)
        self.prune(state, health)

    def prune(self, state: TrainingState, health: Health) -> None:
        """Delete what is not needed; nothing during faults, since training may roll back to any checkpoint."""
        if health.in_a_row or not self.team.main:
            return
        validated = self._validated()
        sound = [step for step in validated if not self._during_faults(step)]
        intact = [*validated[-2:], *sound[-1:], *checkpoint.resumable(self.folder)[-1:]]
        best = (int(step) for _, step in [*state.best, *state.former_best])
        checkpoint.prune(self.folder, intact, [*validated[-self.training.average_last :], *best])

    def newest(self) -> Loaded | None:
        """Load the newest intact checkpoint; None where there is no checkpoint yet.

        Damaged ones are set aside. Raises RunError where all are damaged; nothing is then moved.
        """
        with self.team.main_first():
            present = checkpoint.resumable(self.folder)
            return self._load(present) if present else None

    def before_faults(self) -> Loaded:
        """As `newest`, but not one that was saved during faults; later ones are deleted."""
        with self.team.main_first():
            present = checkpoint.resumable(self.folder)
            loaded = self._load(
                [step for step in self._validated() if step in present and not self._during_faults(step)]
            )
            for step in checkpoint.steps(self.folder):
                if step > loaded.step and self.team.main:
                    checkpoint.remove(self.path(step))
            return loaded

    def final(self, state: TrainingState, last: int) -> tuple[list[int], list[Fault]]:
        """The steps of the checkpoints whose mean is kept, the last or the best, without damaged ones, and faults for
        those. `last` is the step that training ended at, validated or not. Raises RunError where all are damaged."""
        steps = sorted({*self._validated(), last} - {0})
        steps = [step for step in steps if step > self.training.begin][-self.training.average_last :]
        best_only = self.training.keep == "best"
        if best_only:
            steps += [int(step) for _, step in reversed(state.best)]
        faults: list[Fault] = []
        sound: list[int] = []
        for step in reversed(steps):
            try:
                checkpoint.check_weights(self.path(step), self.model)
                sound.insert(0, step)
            except checkpoint.DamagedCheckpoint as error:
                faults.append(Fault(step, "checkpoint", f"{error}; the final weights are made without it"))
            if sound and best_only:
                break
        if not sound:
            raise RunError(f"{self.folder}: no checkpoint is left to make the final weights of: all are damaged")
        return sound, faults

    def path(self, step: int) -> Path:
        """The folder of a step's checkpoint."""
        return checkpoint.folder(self.folder, step)

    def _load(self, candidates: Sequence[int]) -> Loaded:
        damaged: dict[int, str] = {}
        for step in reversed(candidates):
            try:
                values = checkpoint.load(self.path(step), self.model, self.optimiser, self.device, self.team)
                state, health = _remembered(values, self.path(step))
                if self.source:
                    self.source.restore(values.get("source", {}))
            except checkpoint.DamagedCheckpoint as error:
                damaged[step] = str(error)
                continue
            faults = [
                Fault(
                    later,
                    "checkpoint",
                    f"{reason}; it is now {checkpoint.set_aside(self.path(later)).name}, and training resumes from "
                    f"step {step:,}, before it",
                )
                for later, reason in damaged.items()
            ]
            return Loaded(step, state, health, tuple(faults))
        raise RunError(
            f"{self.folder}: no checkpoint is left to resume from: {'; '.join(damaged.values())}; to train again "
            "from the start delete that folder"
        )

    def _during_faults(self, step: int) -> bool:
        """Whether a checkpoint was saved during faults; a damaged one is reported when it is loaded."""
        try:
            _, health = _remembered(checkpoint.state_of(self.path(step)), self.path(step))
            return bool(health.in_a_row)
        except checkpoint.DamagedCheckpoint:
            return False

    def _validated(self) -> list[int]:
        """Checkpoints of the start and of validations; those of an interruption are only for resuming."""
        return [step for step in checkpoint.steps(self.folder) if self._on_schedule(step) or self._late(step)]

    def _on_schedule(self, step: int) -> bool:
        return step % self.training.validate_every == 0 or step in (self.training.begin, self.training.steps)

    def _late(self, step: int) -> bool:
        """Whether a checkpoint is of a validation that waited for a boundary; False for a damaged one."""
        try:
            return bool(checkpoint.state_of(self.path(step)).get("validated"))
        except checkpoint.DamagedCheckpoint:
            return False


_STATE, _HEALTH = TypeAdapter(TrainingState), TypeAdapter(Health)


def _remembered(values: dict[str, Any], path: Path) -> tuple[TrainingState, Health]:
    """The state and the health among the values of a checkpoint. Raises DamagedCheckpoint."""
    try:
        return _STATE.validate_python(values.get("memory")), _HEALTH.validate_python(values.get("health", {}))
    except ValidationError as error:
        (first, *_) = error.errors()
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise checkpoint.DamagedCheckpoint(f"checkpoint {path} is damaged ({reason})") from error
