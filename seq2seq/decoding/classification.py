"""Texts in, probabilities of classes out, by PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seq2seq.data.budget import cut
from seq2seq.data.folding import fold
from seq2seq.data.labelled import Labelled
from seq2seq.data.labelled_batches import Layout, tokens_of
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.device import Numerics, work_alone

_TEXTS = 5000  # tokenised together, and sorted by length

Logits = Callable[[Tensor, Tensor | None], Tensor]  # tokens (B, S), mask (B, 1, 1, S) or None -> (B, K)


@dataclass(frozen=True)
class Classified:
    """A text, or two that are judged together, with the probability of each class; none where a text is blank."""

    texts: tuple[str, ...]
    probabilities: dict[str, float]
    cut: bool = False  # whether the end of the text was too long for the model, and was not read

    @property
    def label(self) -> str | None:
        """The most probable class, the first of equals."""
        return max(self.probabilities, key=self.probabilities.__getitem__) if self.probabilities else None

    @property
    def probability(self) -> float | None:
        """The probability of that class."""
        return max(self.probabilities.values()) if self.probabilities else None


class TorchClassifier:
    """A model of classes. On a CPU each thread has its own batch."""

    def __init__(
        self,
        model: Logits,
        classes: Sequence[str],
        tokenizers: Tokenizers,
        layout: Layout,
        numerics: Numerics,
        *,
        batch_tokens: int = 2048,
    ) -> None:
        self._model = model
        self.classes = tuple(classes)
        self._tokenizers = tokenizers
        self._layout = layout
        self._numerics = numerics
        self._batch_tokens = batch_tokens
        self._workers = torch.get_num_threads() if numerics.device.type == "cpu" else 1

    def classify(self, texts: Sequence[tuple[str, ...]]) -> list[Classified]:
        """The classes of texts, in order; the other texts of a batch do not matter but for the last bits."""
        done = []
        for start in range(0, len(texts), _TEXTS):
            part = texts[start : start + _TEXTS]
            probabilities, too_long = self.probabilities(part)
            for each, row, long in zip(part, probabilities.tolist(), too_long):
                shown = not any(map(np.isnan, row))
                done.append(Classified(each, dict(zip(self.classes, row)) if shown else {}, long))
        return done

    def probabilities(self, texts: Sequence[tuple[str, ...]]) -> tuple[NDArray[np.float32], list[bool]]:
        """The probability of each class (N, K), NaN where a text is blank; and which texts were cut."""
        tokens = tokens_of(self._tokenizers, [Labelled(each, "") for each in texts])
        too_long = [self._layout.is_cut(each) for each in tokens]
        rows = [self._layout.row(each) for each in tokens]
        usable = [number for number, each in enumerate(tokens) if all(each) and all(map(fold, texts[number]))]
        order = sorted(usable, key=lambda number: len(rows[number]))
        bounds = cut(np.array([len(rows[number]) for number in order]), self._batch_tokens)
        results = np.full((len(texts), len(self.classes)), np.nan, np.float32)
        for chosen, computed in self._computed([order[start:end] for start, end in bounds], rows):
            results[chosen] = computed
        return results, too_long

    def _computed(
        self, groups: list[list[int]], rows: Sequence[list[int]]
    ) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        def compute(chosen: list[int]) -> NDArray[np.float32]:
            batch = self._layout.collate([rows[number] for number in chosen], [0] * len(chosen))
            tokens, mask = batch.to(self._numerics.device).inputs
            assert tokens is not None, "a batch has tokens"
            with torch.inference_mode(), self._numerics.context():
                probabilities = self._model(tokens, mask).float().softmax(-1)
            return probabilities.cpu().numpy()

        if self._workers == 1 or len(groups) < 2:
            yield from zip(groups, map(compute, groups))
            return
        with ThreadPoolExecutor(self._workers, initializer=work_alone) as pool:
            yield from zip(groups, pool.map(compute, groups))
