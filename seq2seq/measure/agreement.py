"""Whether a device computes the same as the CPU: one batch, the same weights, float32."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seq2seq import tasks
from seq2seq.data.batches import Batch
from seq2seq.device import Numerics, one_thread
from seq2seq.measure.steps import random_model
from seq2seq.recipe import Recipe
from seq2seq.tasks import models

_LOSS, _GRADIENT, _LOGITS = 1e-4, 1e-3, 1e-3  # relative differences that rounding explains
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
    decoding: float  # the same, for cached steps; over padded sources if the model has sources
    padded: bool  # whether the batch was padded

    @property
    def fault(self) -> str:
        """The differences that are too large; empty where the device agrees."""
        return ", ".join(
            f"{name} differs by {difference:.1g} (allowed: {allowed:g})"
            for name, difference, allowed in (
                ("the loss", self.loss, _LOSS),
                ("the gradient", self.gradient, _GRADIENT),
                ("the largest logit", self.logits, _LOGITS),
                ("cached decoding", self.decoding, _LOGITS),
            )
            if not difference <= allowed  # NaN is wrong too
        )


def compare(recipe: Recipe, device: torch.device) -> Agreement:
    """Compare a recipe's model on a device with the same model on the CPU; the CPU itself with a single thread."""
    generator = torch.Generator().manual_seed(1)
    model = random_model(recipe).eval()
    with torch.no_grad():
        for weight in model.parameters():  # zero-initialised sub-layers would hide everything before them
            weight.add_(torch.randn(weight.shape, generator=generator), alpha=0.02)
    batch = tasks.of(recipe).workload().batch(min(recipe.training.batch_tokens, _TOKENS))
    with one_thread() if device.type == "cpu" else nullcontext():
        expected = _compute(recipe, model, batch, _CPU)
    model.zero_grad()
    computed = _compute(recipe, copy.deepcopy(model).to(device), batch, device)
    loss, gradient, logits, decoding = (abs(one - other) for one, other in zip(computed, expected, strict=True))
    return Agreement(
        str(device),
        "one thread" if device.type == "cpu" else "cpu",
        loss=float(loss / expected[0]),
        gradient=float(gradient.norm() / expected[1].norm()),
        logits=float(logits.max() / expected[2].abs().max()),
        decoding=float(decoding.max() / expected[3].abs().max()),
        padded=batch.filled < batch.padded,
    )


def _compute(
    recipe: Recipe, model: models.TransformerOrGpt, batch: Batch, device: torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """On the CPU: the loss, the gradient of all weights in one row, the logits, and those of cached steps, where the
    model decodes."""
    workload = tasks.of(recipe).workload()
    loss = workload.objective(model, Numerics(device, None))(batch, 0).loss
    (loss / batch.tokens).backward()  # type: ignore[no-untyped-call]
    gradients = [weight.grad.flatten().cpu() for weight in model.parameters() if weight.grad is not None]
    with torch.inference_mode():
        inputs: Any = batch.to(device).inputs
        logits: Tensor = model(*inputs)
        steps = logits
        if workload.decodes:
            state, following = model.begin_decoding(*inputs)
            steps = torch.cat([model.step(token[:, None], state) for token in following.T[:_STEPS]], dim=1)
        return loss.detach().cpu(), torch.cat(gradients), logits.cpu(), steps.cpu()
