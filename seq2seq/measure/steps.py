"""Steps of a recipe's model with random weights on random batches, to time a device before training on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from seq2seq import tasks
from seq2seq.device import Numerics, wait
from seq2seq.measure.step_time import Stopwatch, Timing, Updates, one_batch
from seq2seq.recipe import Recipe
from seq2seq.tasks import models
from seq2seq.tasks.workload import guessed_vocabulary
from seq2seq.training import objective, optimisers


@dataclass(frozen=True)
class Row:
    """The timing of one size."""

    size: int  # places of a training batch, as training.batch_tokens counts them; or texts decoded at once
    tokens: int  # predicted by a step
    timing: Timing

    @property
    def tokens_per_second(self) -> float:
        """Predicted tokens."""
        return self.tokens / self.timing.median


class ModelSteps:
    """A recipe's model on a device. A training step is the recipe's, without gradient accumulation."""

    def __init__(self, recipe: Recipe, numerics: Numerics) -> None:
        vocabulary = guessed_vocabulary(recipe.tokenizer)
        self.recipe = one_batch(recipe)
        self.numerics = numerics
        self.kind = tasks.of(recipe).workload()
        self.model = models.model(recipe, vocabulary, vocabulary).to(numerics.device)
        self.objective = objective.for_recipe(recipe, self.model, numerics)
        self.parameters = sum(parameter.numel() for parameter in self.model.parameters())
        self._wait = partial(wait, numerics.device)
        self._optimiser = optimisers.for_recipe(recipe, self.model)

    def updates(self) -> Updates:
        """Updates with the current number of torch threads."""
        return Updates(self.recipe, self.model, self.objective, self.numerics, self._optimiser)

    def training(self, batch_tokens: int, stopwatch: Stopwatch) -> Row:
        """Forward, backward, clipping, update. Raises RuntimeError where memory runs out."""
        batch = self.kind.batch(batch_tokens)
        timing = stopwatch.time(partial(self.updates().whole, batch), self._wait)
        return Row(batch.labels.numel(), batch.tokens, timing)

    def decoding(self, texts: int, stopwatch: Stopwatch) -> Row:
        """One token of each text, chosen greedily from cached keys and values; turns dropout off."""
        row = self.kind.batch(1).to(self.numerics.device)
        inputs: Any = [None if part is None else part.repeat_interleave(texts, 0) for part in row.inputs]
        self.model.eval()
        with torch.inference_mode(), self.numerics.context():
            state, following = self.model.begin_decoding(*inputs)
            last = following[:, :1]

            def step() -> None:
                nonlocal last
                last = self.model.step(last, state)[:, -1].argmax(-1, keepdim=True)

            return Row(texts, texts, stopwatch.time(step, self._wait))
