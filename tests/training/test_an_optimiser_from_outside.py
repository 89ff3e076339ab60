"""An optimiser that the library does not have: a section of a recipe and a class, both in this file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

from seq2seq.model.gpt import Gpt
from seq2seq.recipe import Recipe, Section
from seq2seq.storage.tensors import read_weights, save_weights
from seq2seq.training.checkpoints import checkpoint
from seq2seq.training.checkpoints.checkpoint import DamagedCheckpoint
from seq2seq.training.optimisers import Adam, Optimiser
from tests.support.optimised import MODEL, update

CPU = torch.device("cpu")


class LionSection(Section):
    kind: Literal["lion"] = "lion"
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = Field(0.0, ge=0)


class LionRecipe(Recipe):
    optimizer: LionSection = LionSection()  # type: ignore[assignment]


class Lion(Optimiser):
    """The sign of an average of gradients (Chen et al., 2023)."""

    @classmethod
    def of(cls, options: LionSection, model: nn.Module, rate: float) -> Lion:
        return cls(model.parameters(), {"lr": 0.0, "betas": options.betas, "weight_decay": options.weight_decay})

    def state_shapes(self, weight: Tensor) -> dict[str, tuple[int, ...]]:
        return {"momentum": tuple(weight.shape)}

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                direction = momentum.lerp(weight.grad, 1 - group["betas"][0]).sign_()
                weight.mul_(1 - group["lr"] * group["weight_decay"]).sub_(group["lr"] * direction)
                momentum.lerp_(weight.grad, 1 - group["betas"][1])


def made() -> tuple[Gpt, Lion]:
    torch.manual_seed(1)
    recipe = LionRecipe.model_validate({"model": MODEL, "optimizer": {"kind": "lion", "weight_decay": 0.1}})
    model = Gpt(MODEL, 30)
    return model, Lion.of(recipe.optimizer, model, 1.0)


def test_it_trains_and_resumes_from_a_checkpoint_bit_for_bit(tmp_path: Path) -> None:
    (whole, optimiser), (resumed, other) = made(), made()
    for step in range(3):
        update(whole, optimiser, 1e-2, step)
    path = checkpoint.save(tmp_path, 3, whole, optimiser, {}, CPU)
    checkpoint.load(path, resumed, other, CPU)
    for one, its in ((whole, optimiser), (resumed, other)):
        update(one, its, 1e-2, 7)
    assert all(torch.equal(one, same) for one, same in zip(whole.parameters(), resumed.parameters()))


def test_a_checkpoint_holds_exactly_what_it_declares(tmp_path: Path) -> None:
    model, optimiser = made()
    update(model, optimiser, 1e-2)
    path = checkpoint.save(tmp_path, 1, model, optimiser, {}, CPU)
    with pytest.raises(DamagedCheckpoint, match=r"has momentum of .*: another optimiser's"):
        checkpoint.load(path, model, Adam(model.parameters()), CPU)
    for weight in model.parameters():
        optimiser.state[weight]["momentum"] = torch.zeros(2)
    path = checkpoint.save(tmp_path, 2, model, optimiser, {}, CPU)
    with pytest.raises(DamagedCheckpoint, match=r"momentum is torch\.float32, \(2,\)"):
        checkpoint.load(path, model, optimiser, CPU)


def test_a_file_larger_than_its_state_is_not_read(tmp_path: Path) -> None:
    model, optimiser = made()
    path = checkpoint.save(tmp_path, 1, model, optimiser, {}, CPU)
    file = path / "optimiser.safetensors"
    most = 2 * sum(4 * weight.numel() for weight in model.parameters()) + (1 << 24)
    save_weights({**read_weights(file), "more": torch.zeros(most // 4)}, file)
    with pytest.raises(DamagedCheckpoint, match=f"bytes, and this recipe's up to {most:,}"):
        checkpoint.load(path, model, optimiser, CPU)
