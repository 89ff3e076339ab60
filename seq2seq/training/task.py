"""What a session needs of a task: its batches, its objective, how a model is validated, and text that is prepared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from torch import nn

from seq2seq.data.batches import BatchSource
from seq2seq.data.corpus import Corpus, SourceT
from seq2seq.data.tokenizers import Tokenizers
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
    """The result of validating a model."""

    figures: Mapping[str, float]
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class FirstLoss:
    """The loss before any update, in nats per token, and what it should be."""

    loss: float
    uniform: float  # ln V: of a uniform distribution
    expected: float  # at initialisation


class TrainingTask(Protocol[ModelT]):
    """The task of a session."""

    source: BatchSource
    report: Mapping[str, Any]  # on the text, for run.json
    watched: str | None  # the figure, or "loss", that shows whether training diverges; None = none does

    def objective(self, model: ModelT, numerics: Numerics) -> Objective:
        """What training minimises."""

    def first_loss(self, model: ModelT, numerics: Numerics) -> FirstLoss | None:
        """The loss of an untrained model; None where the expected value is not known."""

    def validate(self, model: ModelT, numerics: Numerics) -> Validation:
        """Figures of a model on dev, and samples of its output."""

    def ranking(self, figures: Mapping[str, float]) -> float:
        """A number from the figures of a validation; higher is better."""


@dataclass(frozen=True)
class Prepared(Generic[SourceT]):
    """Everything that a session needs except the model."""

    tokenizers: Tokenizers
    training: TrainingTask[Any]
    corpus: Corpus[SourceT]
    report: dict[str, Any]  # for run.json
