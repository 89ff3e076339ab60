"""Texts in, probabilities of classes out, by any engine; no torch here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.cutting import cut
from seq2seq.data.folding import is_blank
from seq2seq.data.labelled_rows import Rows, tokens_of
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.hypothesis import NOT_FINITE
from seq2seq.errors import RunError

_TEXTS = 5000  # tokenised together, and sorted by length


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


class Engine(Protocol):
    """A model of K classes."""

    def probabilities(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """The probability of each class (B, K) for rows of tokens without their last EOS, as `Rows` makes them. The
        other rows do not matter but for the last bits."""


class TextClassifier:
    """A model of classes, by an engine that takes `workers` batches at a time, each from a thread of its own, which
    calls `initializer` first."""

    def __init__(
        self,
        engine: Engine,
        classes: Sequence[str],
        tokenizers: Tokenizers,
        rows: Rows,
        *,
        workers: int = 1,
        initializer: Callable[[], None] | None = None,
        batch_tokens: int,
    ) -> None:
        self._engine = engine
        self.classes = tuple(classes)
        self._tokenizers = tokenizers
        self._rows = rows
        self._workers = workers
        self._initializer = initializer
        self._batch_tokens = batch_tokens

    def classify(self, texts: Sequence[tuple[str, ...]]) -> list[Classified]:
        """The classes of texts, in order. Raises RunError where the model gives no finite probabilities."""
        done = []
        for start in range(0, len(texts), _TEXTS):
            part = texts[start : start + _TEXTS]
            probabilities, too_long = self.probabilities(part)
            for each, row, blank, long in zip(part, probabilities.tolist(), np.isnan(probabilities[:, 0]), too_long):
                done.append(Classified(each, {} if blank else dict(zip(self.classes, row)), long))
        return done

    def probabilities(self, texts: Sequence[tuple[str, ...]]) -> tuple[NDArray[np.float32], list[bool]]:
        """The probability of each class (N, K), NaN where a text is blank; and which texts were cut. Raises as
        `classify`."""
        tokens = tokens_of(self._tokenizers, texts)
        too_long = [self._rows.is_cut(each) for each in tokens]
        rows = [self._rows.row(each) for each in tokens]
        usable = [number for number, each in enumerate(tokens) if all(each) and not any(map(is_blank, texts[number]))]
        order = sorted(usable, key=lambda number: len(rows[number]))
        bounds = cut(np.array([len(rows[number]) for number in order]), self._batch_tokens)
        results = np.full((len(texts), len(self.classes)), np.nan, np.float32)
        for chosen, computed in self._computed([order[start:end] for start, end in bounds], rows):
            if not np.isfinite(computed).all():
                raise RunError(NOT_FINITE)
            results[chosen] = computed
        return results, too_long

    def _computed(
        self, groups: list[list[int]], rows: Sequence[list[int]]
    ) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        batches = ([rows[number] for number in group] for group in groups)
        if self._workers == 1 or len(groups) < 2:
            yield from zip(groups, map(self._engine.probabilities, batches))
            return
        with ThreadPoolExecutor(self._workers, initializer=self._initializer) as pool:
            yield from zip(groups, pool.map(self._engine.probabilities, batches))
