"""The workload of a language model: batches, sizes and costs, for measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from seq2seq.data.batches import Batch
from seq2seq.data.documents import Documents
from seq2seq.data.unchanged import digest
from seq2seq.device import Numerics
from seq2seq.tasks.models import Model
from seq2seq.tasks.prediction import Prediction
from seq2seq.tasks.workload import Costs, Say, SecondsOfOne, Workload, guessed_vocabulary, seconds_per_row

if TYPE_CHECKING:
    from seq2seq.tasks.preparation import Prepared


class LanguageModelWorkload(Workload[Documents]):
    """Chunks of running text."""

    unit = "characters"
    beginning_size = 2_000_000

    def worst(self, budget: int, vocabulary: int | None = None) -> Batch:
        """Rows as long as the context, each position predicting the next token."""
        context = self._recipe.model.max_length
        size, generator = (max(1, budget // context), context + 1), torch.Generator().manual_seed(1)
        drawn = torch.randint(4, vocabulary or guessed_vocabulary(self._recipe.tokenizer), size, generator=generator)
        filled = size[0] * context
        return Batch((drawn[:, :-1],), drawn[:, 1:], filled, padded=filled, filled=filled)

    def size(self, text: Documents, say: Say = lambda message: None) -> int:
        return sum(len(piece) for piece, _ in text.pieces())

    def beginning(self, text: Documents, size: int) -> Documents:
        first, length = [], 0
        for piece, _ in text.pieces():
            first.append(piece)
            length += len(piece)
            if length > size:
                break
        else:
            return text
        cut = "".join(first)[:size]
        origin = f"{text.origin}, first {size:,} characters"
        return Documents(origin, lambda: iter([cut]), lambda: digest([(cut, "")]))

    def epoch_tokens(self, report: Mapping[str, Any], tokens_per_row: float) -> float:
        return float(report["text"]["tokens"])

    def costs(self, prepared: Prepared[Documents], model: Model, numerics: Numerics, seconds: SecondsOfOne) -> Costs:
        training = prepared.training
        assert isinstance(training, Prediction)
        rows = sum(len(batch.labels) for batch in training.validation)
        loss = rows * seconds_per_row(training, model, numerics, seconds)
        return Costs(whole=loss + seconds(lambda _: training.try_out(model, numerics), [1]))
