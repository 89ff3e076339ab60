"""The gradient of an update: by all threads together, or by each of a CPU's threads from its own rows; in micro-batches
where memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from seq2seq.data.batches import Batch
from seq2seq.device import out_of_memory, release, work_alone
from seq2seq.errors import DeviceError
from seq2seq.model.dropout import drawing_from
from seq2seq.training.objective import Measured

Measure = Callable[[Batch], Measured]

MIN_PLACES_PER_THREAD = 512  # of a batch; fewer are not worth a thread


class MicroBatchLimit:
    """The largest micro-batch that is known to fit into memory."""

    def __init__(self) -> None:
        self._padded: int | None = None  # maximum places of a micro-batch

    def pieces(self, batch: Batch) -> list[Batch]:
        """A batch in micro-batches that fit."""
        if self._padded is None or batch.padded <= self._padded:
            return [batch]
        return batch.pieces(-(-batch.padded // self._padded))

    def shrink(self, tried: Sequence[Batch]) -> None:
        """Memory ran out on one of these. Raises DeviceError where they are single rows."""
        if all(len(piece.labels) == 1 for piece in tried):
            raise DeviceError(
                f"out of memory on a single sentence of {max(piece.padded for piece in tried):,} tokens; lower "
                "data.max_length, or make the model smaller"
            )
        self._padded = max(piece.padded for piece in tried if len(piece.labels) > 1) // 2


class FixedLimit(MicroBatchLimit):
    """No micro-batches: the other processes take part in every pass."""

    def shrink(self, tried: Sequence[Batch]) -> None:
        raise DeviceError(
            f"out of memory on {max(piece.padded for piece in tried):,} tokens of a batch, which --parallel fsdp "
            "cannot cut; resume with more processes, or with --parallel ddp, which computes it in pieces"
        )


class Sequential:
    """Forward and backward passes of one batch after another, each by the whole device."""

    def add(
        self, measure: Measure, batches: Sequence[Batch], tokens: float, parameters: Sequence[nn.Parameter]
    ) -> Measured:
        """Add the gradient of the batches' loss / `tokens` to that of the weights; returns the sums, detached."""
        parts = []
        for batch in batches:
            measured = measure(batch)
            (measured.loss / tokens).backward()  # type: ignore[no-untyped-call]
            parts.append(Measured(measured.loss.detach(), measured.figures))
        return Measured.total(parts)


class PerThread(Sequential):
    """Each thread computes its own rows, with its own random numbers, without waiting for the others at every matrix
    product; gradients are summed in the order of the rows, so that a training run can be repeated."""

    def __init__(self, pool: ThreadPoolExecutor, count: int) -> None:
        self._pool = pool
        self._count = count

    def add(
        self, measure: Measure, batches: Sequence[Batch], tokens: float, parameters: Sequence[nn.Parameter]
    ) -> Measured:
        def passes(rows: Batch, seed: int) -> tuple[Measured, Sequence[Tensor | None]]:
            with drawing_from(torch.Generator().manual_seed(seed)):
                measured = measure(rows)
                gradients = torch.autograd.grad(measured.loss / tokens, parameters, allow_unused=True)
                return Measured(measured.loss.detach(), measured.figures), gradients

        rows = [part for batch in batches for part in batch.pieces(self._threads(batch))]
        seeds = torch.randint(2**62, (len(rows),)).tolist()
        futures = [self._pool.submit(passes, *arguments) for arguments in zip(rows, seeds)]
        parts = []
        try:
            while futures:
                measured, gradients = futures.pop(0).result()
                parts.append(measured)
                _add(gradients, parameters)
        finally:
            for future in futures:
                future.cancel()
            wait(futures)
        return Measured.total(parts)

    def _threads(self, batch: Batch) -> int:
        return max(1, min(self._count, batch.padded // MIN_PLACES_PER_THREAD))


@contextmanager
def passes_on(device: torch.device, *, side_by_side: bool = True) -> Iterator[Sequential]:
    """The fastest passes on a device; without `side_by_side`, a batch is computed as a whole."""
    count = torch.get_num_threads() if device.type == "cpu" and side_by_side else 1
    if count == 1:
        yield Sequential()
        return
    with ThreadPoolExecutor(count, initializer=work_alone) as pool:
        yield PerThread(pool, count)


def gradient(
    passes: Sequential,
    measure: Measure,
    batches: Sequence[Batch],
    tokens: float,
    parameters: Sequence[nn.Parameter],
    limit: MicroBatchLimit,
    device: torch.device,
) -> tuple[Measured, int]:
    """Put the gradient of batches into weights that have none, in as many micro-batches as memory needs; returns (sums,
    micro-batches). Raises DeviceError where not even a single row fits."""
    while True:
        pieces = [piece for batch in batches for piece in limit.pieces(batch)]
        try:
            return passes.add(measure, pieces, tokens, parameters), len(pieces)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
        # Here the error has been freed, and with it all that the failed pass still held.
        limit.shrink(pieces)
        for parameter in parameters:
            parameter.grad = None
        release(device)


def _add(gradients: Sequence[Tensor | None], parameters: Sequence[nn.Parameter]) -> None:
    sums, added = [], []
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if parameter.grad is None:
            parameter.grad = gradient
        elif gradient is not None:
            sums.append(parameter.grad)
            added.append(gradient)
    if sums:
        torch._foreach_add_(sums, added)
