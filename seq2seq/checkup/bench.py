"""A recipe's model on one device, timed: training steps, decoding steps, the optimiser alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice, repeat
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from seq2seq import recipe
from seq2seq.checkup import memory, random_batches
from seq2seq.checkup.timing import Comparison, Stopwatch, Timing
from seq2seq.data.batches import Batch, Place
from seq2seq.data.tokenizers import BOS
from seq2seq.device import Numerics, wait
from seq2seq.model.gpt import Gpt
from seq2seq.model.state import State
from seq2seq.tasks import models
from seq2seq.training import objective, optimisers, schedule
from seq2seq.training.loop import Progress, train

# What torch calls the kernels that scaled_dot_product_attention may choose, as their names end; the first fits.
_KERNELS = {
    "cudnn_attention": "cuDNN",
    "efficient_attention": "memory-efficient",
    "flash_attention": "flash",
    "flash_attention_for_cpu": "flash",
    "attention_math_for_mps": "Metal",
}
_STEPS = 10  # losses read between two looks at the clock
_PRODUCTS = "two products and a softmax"


@dataclass(frozen=True)
class Row:
    """A size that was timed."""

    size: int  # places of a training batch, as training.batch_tokens counts them; or texts decoded at once
    tokens: int  # that a step predicts
    timing: Timing

    @property
    def tokens_per_second(self) -> float:
        """Predicted tokens."""
        return self.tokens / self.timing.median


class Bench:
    """A model and its optimiser. Each step is the recipe's own, of one batch, whatever it accumulates."""

    def __init__(self, wanted: recipe.Recipe, numerics: Numerics) -> None:
        tokens = random_batches.vocabulary(wanted.tokenizer)
        self._recipe = wanted
        self._numerics = numerics
        self._model = models.model(wanted, tokens, tokens).to(numerics.device)
        self._wait = partial(wait, numerics.device)
        self._optimiser = optimisers.for_recipe(wanted, self._model)
        self.objective = objective.for_recipe(wanted, self._model, numerics)
        self.parameters = sum(parameter.numel() for parameter in self._model.parameters())

    def training(self, batch_tokens: int, stopwatch: Stopwatch) -> Row:
        """Forward, backward, clipping, update. Raises RuntimeError where memory ends."""
        batch = random_batches.of_recipe(self._recipe, batch_tokens)
        updates = self._updates(batch)
        timing = stopwatch.time(lambda: next(updates), wait=self._wait)
        return Row(batch.labels.numel(), batch.tokens, timing)

    def reading(self, batch_tokens: int, stopwatch: Stopwatch) -> Comparison:
        """Several steps where the loss is read after each, and as many where it is not."""
        updates = self._updates(random_batches.of_recipe(self._recipe, batch_tokens))

        def read() -> None:
            for progress in islice(updates, _STEPS):
                progress.loss.item()

        def leave() -> None:
            for _ in islice(updates, _STEPS):
                pass

        return stopwatch.compare(read, leave, wait=self._wait)

    def optimiser(self, stopwatch: Stopwatch) -> Comparison:
        """The update alone, as torch does it by itself, and as the recipe does it: fused where that can be."""
        usual, fused = (optimisers.for_recipe(self._recipe, self._model) for _ in range(2))
        for group in usual.param_groups:
            if "fused" in group:
                group["fused"] = None
        for weight in self._model.parameters():
            weight.grad = torch.full_like(weight, 1e-3)
        compared = stopwatch.compare(usual.step, fused.step, wait=self._wait)
        fused.zero_grad(set_to_none=True)
        return compared

    def decoding(self, texts: int, stopwatch: Stopwatch) -> Row:
        """One token of each text, chosen greedily from cached keys and values."""
        model = self._model.eval()
        last = torch.full((texts, 1), BOS, device=self._numerics.device)
        state = self._start(texts)

        def restart() -> None:
            nonlocal state
            if state.length >= self._recipe.model.max_length:
                state = self._start(texts)

        def step() -> None:
            nonlocal last
            last = model.step(last, state)[:, -1].argmax(-1, keepdim=True)

        with torch.inference_mode(), self._numerics.context():
            timing = stopwatch.time(step, wait=self._wait, before=restart)
        return Row(texts, texts, timing)

    def attention(self, batch_tokens: int) -> tuple[str, str]:
        """The kernels that attention takes in training and in decoding."""
        self.objective.begin(0)
        with _Kernels() as training:
            self.objective(random_batches.of_recipe(self._recipe, batch_tokens), 0)
        # Not inference_mode, in which torch does not tell the kernels apart.
        with torch.no_grad(), self._numerics.context():
            state = self._start(1)
            with _Kernels() as decoding:
                self._model.step(torch.full((1, 1), BOS, device=self._numerics.device), state)
        return str(training), str(decoding)

    def bytes_a_token(self, batch_tokens: int) -> float:
        """What each place more in a batch keeps for the backward pass."""
        row = random_batches.of_recipe(self._recipe, 1).labels.numel()
        few = random_batches.of_recipe(self._recipe, max(batch_tokens, 2 * row))  # a row alone is laid out otherwise
        many = random_batches.of_recipe(self._recipe, 2 * few.labels.numel())
        small, large = (memory.kept(self.objective, batch) for batch in (few, many))
        return (large - small) / (many.labels.numel() - few.labels.numel())

    def memory_of(self, batch_tokens: int) -> int:
        """The most bytes that a step of the worst batch takes on a CUDA device. Raises RuntimeError where memory
        ends."""
        device = self._numerics.device
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        next(self._updates(random_batches.worst(self._recipe, batch_tokens)))
        self._wait()
        return memory.peak(device)

    def _updates(self, batch: Batch) -> Iterator[Progress]:
        updates = train(
            list(self._model.parameters()),
            self._optimiser,
            schedule.for_recipe(self._recipe),
            repeat((Place(), batch)),
            self.objective,
            self._numerics,
            clip_norm=self._recipe.training.clip_norm,
        )
        for progress in updates:
            if progress.pieces > 1:
                raise torch.OutOfMemoryError(f"out of memory: a batch of {batch.padded:,} places had to be cut")
            yield progress

    def _start(self, texts: int) -> State:
        """The state that has read half a context, or sources of usual length."""
        device = self._numerics.device
        self._model.eval()
        if isinstance(self._model, Gpt):
            return self._model.start(torch.full((texts, self._model.context // 2), BOS, device=device))
        return self._model.start(torch.full((texts, max(4, self._recipe.data.max_length // 4)), BOS, device=device))


class _Kernels(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes which kernels attention takes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._found: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        self._found |= {kernel for ending, kernel in _KERNELS.items() if name.endswith(ending)}
        return func(*args, **(kwargs or {}))

    def __str__(self) -> str:
        return ", ".join(sorted(self._found)) or _PRODUCTS
