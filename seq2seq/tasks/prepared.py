"""What a session trains with, besides the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic

from seq2seq.data.corpus import Corpus, SourceT
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.training.task import TrainingTask


@dataclass(frozen=True)
class Prepared(Generic[SourceT]):
    """Everything that a session needs except the model."""

    tokenizers: Tokenizers
    training: TrainingTask[Any]
    corpus: Corpus[SourceT]
    report: dict[str, Any]  # for run.json
