"""How much arithmetic an update is, and how much of it this machine can do at best: matrix products, in FLOPs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from seq2seq.checkup.timing import Spread, Stopwatch, spread
from seq2seq.data.batches import Batch
from seq2seq.data.tokenizers import PAD
from seq2seq.device import Numerics, large_products, wait
from seq2seq.model.gpt import Gpt
from seq2seq.tasks import models

_SIZES = {"cpu": (512, 1024, 2048)}  # of square matrices
_SIZES_ELSEWHERE = (4096, 8192)
_PASSES = 3  # forward, and backward for the inputs and for the weights


def of_update(model: models.Model, batch: Batch) -> float:
    """FLOPs of the matrix products that a batch's forward and backward passes need: two a weight and token, and those
    of attention. Padding, and what a causal mask hides, are not counted, however a model computes."""
    width = model.head.in_features
    mask = torch.ones_like(batch.labels) if batch.mask is None else batch.mask
    predicted = mask.sum(1).double()
    if isinstance(model, Gpt):
        tokens = batch.inputs[0]
        assert tokens is not None
        lengths = (tokens != PAD).sum(1).double()
        forward = 2 * float(lengths.sum()) * _weights(model, "blocks.")
        forward += len(model.blocks) * width * _causal(lengths)
    else:
        source = batch.inputs[0]
        assert source is not None
        read = (source != PAD).sum(1).double()
        memory = _weights(model, "decoder.", "cross_attention.key_value")
        forward = 2 * float(read.sum()) * (_weights(model, "encoder.") + memory)
        forward += 2 * float(predicted.sum()) * (_weights(model, "decoder.") - memory)
        forward += len(model.encoder.blocks) * 4 * width * float((read * read).sum())
        forward += len(model.decoder.blocks) * width * (_causal(predicted) + 4 * float((read * predicted).sum()))
    forward += 2 * float(predicted.sum()) * model.head.weight.numel()
    return _PASSES * forward


def _weights(model: models.Model, start: str, holds: str = "") -> int:
    named = model.named_parameters()
    return sum(each.numel() for name, each in named if each.dim() == 2 and name.startswith(start) and holds in name)


def _causal(lengths: Tensor) -> float:
    """FLOPs a width of the two products of causal self-attention: position t sees t positions."""
    return 2 * float((lengths * (lengths + 1)).sum())


class Peak:
    """Products of square matrices alone, at the precision of a training: what a whole update is measured against."""

    def __init__(self, numerics: Numerics, sizes: tuple[int, ...] = ()) -> None:
        self._numerics = numerics
        kind = numerics.autocast or torch.float32
        sizes = sizes or _SIZES.get(numerics.device.type, _SIZES_ELSEWHERE)
        self._matrices = [torch.randn(size, size, device=numerics.device).to(kind) for size in sizes]
        self._found: dict[int, list[float]] = {size: [] for size in sizes}

    def measure(self, seconds: float) -> None:
        """One round of every size."""
        for size, speed in self._speeds(Stopwatch(seconds / len(self._matrices), most=5)):
            self._found[size].append(speed)

    def best(self) -> tuple[int, Spread]:
        """The size of matrix that was fastest, by its median, and its FLOP/s over the rounds."""
        spreads = {size: spread(found) for size, found in self._found.items()}
        fastest = max(spreads, key=lambda size: spreads[size].median)
        return fastest, spreads[fastest]

    def _speeds(self, stopwatch: Stopwatch) -> Iterator[tuple[int, float]]:
        for matrix in self._matrices:
            with large_products():
                timing = stopwatch.time(partial(torch.mm, matrix, matrix), wait=partial(wait, self._numerics.device))
            yield len(matrix), 2 * len(matrix) ** 3 / timing.median
