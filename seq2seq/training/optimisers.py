"""Optimisers of a recipe. Each parameter group has a `share`: its rate as a multiple of the schedule's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn

from seq2seq import recipe
from seq2seq.device import threads, work_alone
from seq2seq.errors import RecipeError
from seq2seq.training.schedule import peak


class Together(torch.optim.Optimizer):
    """Several optimisers, each with parameters of its own, that step and are saved as one; `beside` one another where
    there are CPU threads for it."""

    def __init__(self, parts: list[torch.optim.Optimizer], *, beside: bool = False) -> None:
        self.parts = parts
        self._pool = ThreadPoolExecutor(len(parts), initializer=work_alone) if beside else None
        super().__init__([group for part in parts for group in part.param_groups], {})
        # The same groups and the same state, so that a rate set here, or a state loaded here, is theirs.
        self.param_groups = [group for part in parts for group in part.param_groups]
        for part in parts:
            part.state = self.state

    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update by each."""
        if self._pool is None:
            for part in self.parts:
                part.step()
        else:
            for done in [self._pool.submit(part.step) for part in self.parts]:
                done.result()


def for_recipe(wanted: recipe.Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a recipe, its rates to be set at every update.

    adam: section 5.3. adamw: the same with decay of matrices (Loshchilov and Hutter, 2019). muon: the matrices of the
    layers by Muon (Jordan et al., 2024), all else, embeddings among them, by AdamW.
    """
    training = wanted.training
    adam: dict[str, Any] = {"lr": 0.0, "betas": training.betas, "eps": training.epsilon, "fused": True}
    if training.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), **adam)
    if training.optimizer == "adamw":
        return torch.optim.AdamW(_by_decay(model.parameters(), training.weight_decay), **adam)
    if not hasattr(torch.optim, "Muon"):
        raise RecipeError(
            f'training.optimizer = "muon" needs torch 2.9 or newer, this is {torch.__version__}; update torch, or use '
            "adamw"
        )
    outside = {id(each.weight) for each in model.modules() if isinstance(each, nn.Embedding)}
    outside |= {id(model.get_parameter("head.weight"))}
    matrices = [each for each in model.parameters() if each.dim() == 2 and id(each) not in outside]
    rest = [each for each in model.parameters() if each.dim() != 2 or id(each) in outside]
    # Matrix by matrix is too little at a time for several threads.
    count = threads() if matrices[0].device.type == "cpu" else 1
    share = training.muon_learning_rate / peak(wanted)
    muons: list[torch.optim.Optimizer] = [
        torch.optim.Muon([{"params": some, "share": share}], lr=0.0, weight_decay=training.weight_decay, momentum=0.95)
        for some in _dealt(matrices, count)
    ]
    return Together([*muons, torch.optim.AdamW(_by_decay(rest, training.weight_decay), **adam)], beside=count > 1)


def state_names(optimiser: torch.optim.Optimizer) -> dict[Tensor, set[str]]:
    """What an optimiser of a recipe keeps of each weight, once it has made an update."""
    return {
        weight: {"momentum_buffer"} if "momentum" in part.defaults else {"step", "exp_avg", "exp_avg_sq"}
        for part in getattr(optimiser, "parts", [optimiser])
        for group in part.param_groups
        for weight in group["params"]
    }


def step_unless(skipped: Tensor, optimiser: torch.optim.Optimizer) -> None:
    """An optimiser's update, unless `skipped`, (): weights and state then stay as they are. Nobody waits for CUDA."""
    if skipped.is_cuda:
        masked_step(skipped, optimiser)
    elif not skipped:
        optimiser.step()


@torch.no_grad()
def masked_step(skipped: Tensor, optimiser: torch.optim.Optimizer) -> None:
    """`step_unless` on a device whose decision the host need not know."""
    for part in getattr(optimiser, "parts", [optimiser]):
        if part.defaults.get("fused"):
            part.found_inf = skipped.float()  # as torch's own GradScaler tells it
            part.step()
            del part.found_inf
            continue
        weights = [each for group in part.param_groups for each in group["params"] if each.grad is not None]
        before = {weight: weight.clone() for weight in weights}
        states = {weight: {key: value.clone() for key, value in part.state[weight].items()} for weight in weights}
        part.step()
        for weight in weights:
            weight.copy_(torch.where(skipped, before[weight], weight))
            for key, value in part.state[weight].items():
                value.copy_(torch.where(skipped, states[weight].get(key, torch.zeros_like(value)), value))


def _dealt(parameters: Iterable[nn.Parameter], count: int) -> list[list[nn.Parameter]]:
    """Parameters in up to `count` lists of about as many numbers."""
    dealt: list[list[nn.Parameter]] = [[] for _ in range(count)]
    for each in sorted(parameters, key=Tensor.numel, reverse=True):
        min(dealt, key=lambda some: sum(map(Tensor.numel, some))).append(each)
    return [some for some in dealt if some]


def _by_decay(parameters: Iterable[Tensor], weight_decay: float) -> list[dict[str, Any]]:
    every = list(parameters)
    return [
        {"params": [each for each in every if each.dim() >= 2], "weight_decay": weight_decay},
        {"params": [each for each in every if each.dim() < 2], "weight_decay": 0.0},
    ]
