"""Whether a device computes what the CPU computes: one batch, the same weights, float32."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from seq2seq import recipe
from seq2seq.checkup import random_batches
from seq2seq.data.batches import Batch
from seq2seq.device import Numerics, one_thread
from seq2seq.model.gpt import Gpt
from seq2seq.tasks import models
from seq2seq.training import objective

LOSS, GRADIENT, LOGITS = 1e-4, 1e-3, 1e-3  # relative differences that rounding explains
_TOKENS = 512  # of the batch, at most
_STEPS = 4  # of cached decoding
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Agreement:
    """Relative differences of a device from the CPU."""

    device: str
    against: str
    loss: float
    gradient: float  # norm of the difference over norm
    logits: float  # largest difference over largest logit
    decoding: float  # the same, of cached steps, over padded sources where there are sources
    padded: bool  # whether the batch was padded

    @property
    def fault(self) -> str:
        """What is wrong; nothing where the device agrees."""
        wrong = [
            f"{name} differs by {found:.1g} (allowed: {allowed:g})"
            for name, found, allowed in (
                ("the loss", self.loss, LOSS),
                ("the gradient", self.gradient, GRADIENT),
                ("the largest logit", self.logits, LOGITS),
                ("cached decoding", self.decoding, LOGITS),
            )
            if not found <= allowed  # NaN is wrong too
        ]
        return ", ".join(wrong)


def compare(wanted: recipe.Recipe, device: torch.device) -> Agreement:
    """A recipe's model on a device beside the same on the CPU; the CPU itself is compared with one thread of it."""
    tokens = random_batches.vocabulary(wanted.tokenizer)
    generator = torch.Generator().manual_seed(1)
    model = models.model(wanted, tokens, tokens).eval()
    with torch.no_grad():
        for weight in model.parameters():  # sub-layers that start at zero would hide all before them
            weight.add_(torch.randn(weight.shape, generator=generator), alpha=0.02)
    batch = random_batches.of_recipe(wanted, min(wanted.training.batch_tokens, _TOKENS))
    with one_thread() if device.type == "cpu" else nullcontext():
        expected = _compute(wanted, model, batch, _CPU)
    model.zero_grad()
    found = _compute(wanted, copy.deepcopy(model).to(device), batch, device)
    return Agreement(
        str(device),
        "one thread" if device.type == "cpu" else "cpu",
        loss=_apart(found.loss, expected.loss),
        gradient=_apart(found.gradient, expected.gradient),
        logits=_apart_at_most(found.logits, expected.logits),
        decoding=_apart_at_most(found.decoding, expected.decoding),
        padded=batch.filled < batch.padded,
    )


@dataclass(frozen=True)
class _Computed:
    loss: Tensor
    gradient: Tensor  # of all weights, in one row
    logits: Tensor
    decoding: Tensor  # logits of cached steps


def _compute(wanted: recipe.Recipe, model: models.Model, batch: Batch, device: torch.device) -> _Computed:
    """All of it on the CPU."""
    inputs = [None if each is None else each.to(device) for each in batch.inputs]
    loss = objective.for_recipe(wanted, model, Numerics(device, None))(batch, 0).loss
    (loss / batch.tokens).backward()  # type: ignore[no-untyped-call]
    gradients = [weight.grad.flatten().cpu() for weight in model.parameters() if weight.grad is not None]
    with torch.inference_mode():
        logits: Tensor = model(*inputs)
        steps = torch.cat(list(_decode(model, inputs)), dim=1)
        return _Computed(loss.detach().cpu(), torch.cat(gradients), logits.cpu(), steps.cpu())


def _decode(model: models.Model, inputs: list[Tensor | None]) -> Iterator[Tensor]:
    """Logits (B, 1, V) of a few cached steps over the tokens of a batch."""
    target = inputs[-1]
    assert target is not None
    if isinstance(model, Gpt):
        first = target.size(1) // 2
        state = model.start(target[:, :first])
    else:
        source, mask, _ = inputs
        assert source is not None
        first, state = 0, model.start(source, mask)
    for place in range(first, min(first + _STEPS, target.size(1))):
        yield model.step(target[:, place : place + 1], state)


def _apart(found: Tensor, expected: Tensor) -> float:
    return float(torch.linalg.vector_norm(found - expected) / torch.linalg.vector_norm(expected))


def _apart_at_most(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())
