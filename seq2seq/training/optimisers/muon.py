"""Muon for the matrices of the layers (Jordan et al., 2024), AdamW for all else, embeddings among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import torch
from torch import Tensor, nn

from seq2seq.device import multiplies_bfloat16, work_alone
from seq2seq.model.stack import Layered
from seq2seq.recipe import Muon as MuonOptions
from seq2seq.training.optimisers.adam import AdamW
from seq2seq.training.optimisers.optimiser import Optimiser, Shapes

# Those of torch's Muon.
_NEWTON_SCHULZ, _STEPS, _EPSILON = (3.4445, -4.7750, 2.0315), 5, 1e-7
_MUCH_LONGER = 1.5  # at which both ways take as many multiplications


class Muon(Optimiser):
    """torch's, its matrices divided among threads where `concurrent`, and an AdamW, stepped and saved as one."""

    needs = ("Muon", "2.9")
    whole_matrices = True

    def __init__(self, muons: list[torch.optim.Optimizer], rest: AdamW, *, concurrent: bool) -> None:
        self._rest = rest
        self.parts = [*muons, rest]
        self._pool = ThreadPoolExecutor(len(self.parts), initializer=work_alone) if concurrent else None
        super().__init__([group for part in self.parts for group in part.param_groups], {})
        # The parts share groups and state, so that a rate set here, or a state loaded here, is theirs.
        self.param_groups = [group for part in self.parts for group in part.param_groups]
        for part in self.parts:
            part.state = self.state
        self._matrices = {weight for part in muons for group in part.param_groups for weight in group["params"]}

    @classmethod
    def of(cls, options: MuonOptions, model: nn.Module, rate: float) -> Muon:
        """The optimiser of a model: Muon takes the matrices of its layers."""
        matrices = cast(Layered, model).matrices()
        taken = set(matrices)
        rest = [weight for weight in model.parameters() if weight not in taken]
        # A single matrix is too little work for several threads.
        count = torch.get_num_threads() if matrices[0].device.type == "cpu" else 1
        share = options.muon_learning_rate / rate
        kind = torch.optim.Muon if multiplies_bfloat16(matrices[0].device) else Float32Muon
        muons: list[torch.optim.Optimizer] = [
            kind([{"params": part, "share": share}], lr=0.0, weight_decay=options.weight_decay, momentum=0.95)
            for part in _divided(matrices, count)
        ]
        return cls(muons, AdamW.of_parameters(options, rest), concurrent=count > 1)

    def state_shapes(self, weight: Tensor) -> Shapes:
        """One moment of a matrix of the layers, AdamW's state of the rest."""
        if weight in self._matrices:
            return {"momentum_buffer": tuple(weight.shape)}
        return self._rest.state_shapes(weight)

    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update by each part."""
        if self._pool is None:
            for part in self.parts:
                part.step()
        else:
            for done in [self._pool.submit(part.step) for part in self.parts]:
                done.result()


class Float32Muon(torch.optim.Optimizer):
    """torch's Muon, whose products are bfloat16, with float32 products: for processors on which torch multiplies
    bfloat16 matrices number by number, far slower."""

    def __init__(self, groups: list[dict[str, Any]], lr: float, weight_decay: float, momentum: float) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update, with Nesterov's momentum."""
        for group in self.param_groups:
            rate, momentum = group["lr"], group["momentum"]
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                mean = self.state[weight].setdefault("momentum_buffer", torch.zeros_like(weight))
                mean.lerp_(weight.grad, 1 - momentum)
                update = orthogonalised(weight.grad.lerp(mean, momentum))
                weight.mul_(1 - rate * group["weight_decay"])
                weight.add_(update, alpha=-rate * max(1.0, weight.size(0) / weight.size(1)) ** 0.5)


def orthogonalised(matrix: Tensor) -> Tensor:
    """Five Newton-Schulz steps X <- aX + b(XXᵀ)X + c(XXᵀ)²X from X = matrix / |matrix| on, which bring the singular
    values near 1; (M, N).

    A step multiplies X by a symmetric P = aI + bG + cG² of its Gram matrix G = XXᵀ, which becomes PGP: where X is much
    longer than G, all products but the first and the last are of matrices as small as G.
    """
    wide: Tensor = matrix.T if matrix.size(0) > matrix.size(1) else matrix
    wide = wide / wide.norm().clamp(min=_EPSILON)
    if wide.size(1) < _MUCH_LONGER * wide.size(0):
        for _ in range(_STEPS):
            wide = _step(wide @ wide.T) @ wide
    else:
        gram = wide @ wide.T
        total = factor = _step(gram)
        for _ in range(_STEPS - 1):
            gram = factor @ gram @ factor
            factor = _step(gram)
            total = factor @ total
        wide = total @ wide
    return wide.T if matrix.size(0) > matrix.size(1) else wide


def _step(gram: Tensor) -> Tensor:
    """P of a Newton-Schulz step."""
    a, b, c = _NEWTON_SCHULZ
    factor = torch.addmm(gram, gram, gram, beta=b, alpha=c)
    factor.diagonal().add_(a)
    return factor


def _divided(parameters: Iterable[nn.Parameter], count: int) -> list[list[nn.Parameter]]:
    """Parameters in up to `count` lists of about equal size."""
    parts: list[list[nn.Parameter]] = [[] for _ in range(count)]
    for weight in sorted(parameters, key=Tensor.numel, reverse=True):
        min(parts, key=lambda part: sum(map(Tensor.numel, part))).append(weight)
    return [part for part in parts if part]
