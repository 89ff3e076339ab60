"""Which optimiser takes which weights, at which rate, and that all of it is saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from seq2seq.errors import RecipeError
from seq2seq.model.gpt import Gpt
from seq2seq.recipe import Adam, AdamW, Muon, Recipe
from seq2seq.training import ema
from seq2seq.training.optimisers import class_of
from seq2seq.training.optimisers.muon import Float32Muon, orthogonalised
from tests.support.optimised import made, update

MADE = torch.tensor(False)  # that an update was skipped


def names(model: Gpt, group: dict[str, Any]) -> set[str]:
    held = {id(weight) for weight in group["params"]}
    return {name for name, weight in model.named_parameters() if id(weight) in held}


@pytest.mark.parametrize("kind", ["adam", "adamw", "muon"])
def test_every_weight_has_one_optimiser_and_moves(kind: str) -> None:
    model, optimiser = made(kind)
    held = [name for group in optimiser.param_groups for name in names(model, group)]
    assert sorted(held) == sorted(name for name, _ in model.named_parameters())
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    for seed in range(3):
        update(model, optimiser, 1e-2, seed)
    assert all(not torch.equal(before[name], weight) for name, weight in model.named_parameters())


def test_decay_shrinks_matrices_alone() -> None:
    model, optimiser = made("adamw", weight_decay=0.5)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    for group in optimiser.param_groups:
        group["lr"] = 0.1
    optimiser.step()
    for name, weight in model.named_parameters():
        assert torch.allclose(weight, before[name] * (0.95 if weight.dim() >= 2 else 1.0)), name


def test_muon_takes_the_matrices_of_the_layers_alone_at_a_rate_of_its_own() -> None:
    model, optimiser = made("muon", muon_learning_rate=0.05)
    first, *others = optimiser.param_groups
    assert names(model, first) == {name for name, w in model.named_parameters() if "blocks" in name and w.dim() == 2}
    assert first["share"] * 1e-2 == pytest.approx(0.05)
    assert all(group.get("share", 1.0) == 1.0 for group in others)


def test_an_optimiser_that_this_torch_lacks_is_refused_and_says_since_when(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(RecipeError, match=r'optimizer\.kind = "muon" needs torch 2\.9 or newer, this is .*adamw'):
        made("muon")
    assert class_of("adamw").available() and not class_of("muon").available()


def test_another_optimiser_keeps_the_options_that_both_have() -> None:
    recipe = Recipe(optimizer=Muon(weight_decay=0.1, betas=(0.5, 0.6), muon_learning_rate=0.3))
    assert recipe.with_values({"optimizer": {"kind": "adamw"}}).optimizer == AdamW(weight_decay=0.1, betas=(0.5, 0.6))
    assert recipe.with_values({"optimizer": {"kind": "adam"}}).optimizer == Adam(betas=(0.5, 0.6))


def test_muons_update_has_singular_values_near_one() -> None:
    model, optimiser = made("muon", muon_learning_rate=0.05)
    weight = model.blocks[0].attention.output.weight
    before = weight.detach().clone()
    update(model, optimiser, 1e-2)
    values = torch.linalg.svdvals((weight.detach() - before) / 0.05)
    assert values[: len(values) // 2].min() > 0.5 and values.max() < 1.5


def test_muon_by_several_threads_is_muon_by_one_and_goes_on_from_its_state(use_threads: Callable[[int], None]) -> None:
    def step(model: Gpt, optimiser: torch.optim.Optimizer, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        for weight in model.parameters():
            weight.grad = torch.randn(weight.shape, generator=generator)
        for group in optimiser.param_groups:
            group["lr"] = 1e-2 * group.get("share", 1.0)
        optimiser.step()

    alone = made("muon", weight_decay=0.1)
    use_threads(3)
    beside, resumed = (made("muon", weight_decay=0.1) for _ in range(2))
    matrices = [names(beside[0], group) for group in beside[1].param_groups if "share" in group]
    assert len(matrices) == 3 and all(matrices)
    for seed in range(3):
        step(*alone, seed)
        step(*beside, seed)
    assert all(torch.equal(one, other) for one, other in zip(alone[0].parameters(), beside[0].parameters()))
    resumed[0].load_state_dict(alone[0].state_dict())
    for old, new in zip(alone[0].parameters(), resumed[0].parameters()):
        resumed[1].state[new] = {key: value.clone() for key, value in alone[1].state[old].items()}
    step(*alone, 7)
    step(*resumed, 7)
    assert all(torch.equal(one, other) for one, other in zip(alone[0].parameters(), resumed[0].parameters()))


@pytest.mark.parametrize("shape", [(24, 24), (48, 16), (16, 64)])
def test_muon_in_float32_is_torchs_muon(shape: tuple[int, int]) -> None:
    """To the precision of bfloat16, which has 8 bits."""
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(shape, generator=generator)
    one, other = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.clone())
    exact = Float32Muon([{"params": [one]}], lr=0.02, weight_decay=0.1, momentum=0.95)
    torchs = torch.optim.Muon([{"params": [other]}], lr=0.02, weight_decay=0.1, momentum=0.95)
    for _ in range(3):
        one.grad = other.grad = torch.randn(shape, generator=generator) * torch.logspace(0, -2, shape[1])
        exact.step()
        torchs.step()
    assert torch.equal(exact.state[one]["momentum_buffer"], torchs.state[other]["momentum_buffer"])
    moved = (other - start).norm()
    assert (one - other).norm() < 0.03 * moved < 0.03 * start.norm()


@pytest.mark.parametrize("shape", [(24, 24), (48, 16), (16, 64)])
def test_newton_schulz_by_gram_matrices_is_the_iteration_itself(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1)) * torch.logspace(0, -4, shape[1])
    x = matrix.double() / matrix.double().norm()
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * (x @ x.T) @ x + 2.0315 * (x @ x.T) @ (x @ x.T) @ x
    assert torch.allclose(orthogonalised(matrix), x.float(), atol=2e-3)


@pytest.mark.parametrize("kind", ["adam", "adamw", "muon"])
def test_state_put_elsewhere_goes_on_the_same(kind: str) -> None:
    straight, resumed = made(kind), made(kind)
    for seed in range(2):
        update(*straight, 1e-2, seed)
        ema.update(straight[1], straight[0], 0.9, seed + 1, MADE)
    resumed[0].load_state_dict(straight[0].state_dict())
    for (_, old), (_, new) in zip(straight[0].named_parameters(), resumed[0].named_parameters()):
        resumed[1].state[new] = {key: value.clone() for key, value in straight[1].state[old].items()}
    for model, optimiser in (straight, resumed):
        update(model, optimiser, 1e-2, 7)
    assert all(
        torch.equal(one, other)
        for one, other in zip(straight[0].state_dict().values(), resumed[0].state_dict().values())
    )


def test_the_average_is_the_one_of_its_definition_and_leaves_the_weights_alone() -> None:
    model, optimiser = made("adamw")
    expected = None
    for step in range(1, 30):
        update(model, optimiser, 1e-2, step)
        ema.update(optimiser, model, 0.9, step, MADE)
        weight = model.embedding.weight.detach().clone()
        decay = min(0.9, (1 + step) / (10 + step))
        expected = weight if expected is None else expected * decay + weight * (1 - decay)
    assert expected is not None
    assert torch.allclose(ema.averages(optimiser, model)["embedding.weight"], expected, atol=1e-6)
    own = model.embedding.weight.detach().clone()
    with ema.in_place(optimiser, model):
        assert torch.equal(model.embedding.weight, ema.averages(optimiser, model)["embedding.weight"])
        assert not torch.equal(model.embedding.weight, own)
    assert torch.equal(model.embedding.weight, own)
