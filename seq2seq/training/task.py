"""What a session needs to know of a task: its batches, its objective, and how a model is validated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from torch import nn

from seq2seq.data.batches import Source
from seq2seq.device import Numerics
from seq2seq.training.objective import Objective

ModelT = TypeVar("ModelT", bound=nn.Module, contravariant=True)


@dataclass(frozen=True)
class Sample:
    """An input of dev, its reference and the model's output."""

    source: str
    reference: str
    output: str


@dataclass(frozen=True)
class Continuation(Sample):
    """A prompt and how the model continues it."""

    reference: str = ""
    output: str = ""


@dataclass(frozen=True)
class Validation:
    """A model, validated."""

    figures: Mapping[str, float]
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class FirstLoss:
    """The loss before any update, in nats per token, beside what it should be."""

    loss: float
    uniform: float  # ln V: knowing nothing
    expected: float  # of these initial weights


class TrainingTask(Protocol[ModelT]):
    """What a session trains a model for."""

    source: Source
    watched: str | None  # the figure, or "loss", that shows whether training diverges; None = nothing does

    def objective(self, model: ModelT, numerics: Numerics) -> Objective:
        """What training makes small."""

    def first_loss(self, model: ModelT, numerics: Numerics) -> FirstLoss | None:
        """What a model without updates should show, where that is known."""

    def validate(self, model: ModelT, numerics: Numerics) -> Validation:
        """Measure a model on dev, and try it out."""

    def ranking(self, figures: Mapping[str, float]) -> float:
        """Of a validation's figures: the higher, the better the model."""
