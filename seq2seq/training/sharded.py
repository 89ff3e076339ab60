"""A model in parts, one a process (FSDP2): weights, gradients and the optimiser's state are spread over the processes,
and whole layer by layer while they compute."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor

from seq2seq.errors import RecipeError
from seq2seq.model.blocks import Block, CrossBlock
from seq2seq.recipe import Recipe
from seq2seq.training.distributed import Model, Replicas
from seq2seq.training.optimisers import class_of


class Shards(Replicas):
    """A process with a part of every layer. All compute every pass together, so that none may cut its share."""

    way = "fsdp"
    cuts = False

    def __init__(self, device: str) -> None:
        super().__init__(device)
        self.divisor = self.size
        self._copy: nn.Module | None = None

    def check(self, recipe: Recipe) -> None:
        """Raises RecipeError where a recipe cannot be trained so."""
        kind = recipe.optimizer.kind
        if class_of(kind).whole_matrices:
            raise RecipeError(
                f'optimizer.kind = "{kind}" needs whole matrices, which --parallel fsdp spreads over the processes; '
                "use --parallel ddp, or adamw"
            )
        if recipe.training.compile:
            raise RecipeError("training.compile = true does not go with --parallel fsdp; use --parallel ddp")

    def spread(self, model: nn.Module, seed: int) -> None:
        """Part each layer, and what is outside of layers, embeddings and head among it, as one more."""
        super().spread(model, seed)
        self._copy = copy.deepcopy(model).cpu() if self.main else None
        device = next(model.parameters()).device
        mesh = init_device_mesh(device.type, (self.size,))
        # Nobody changes in place what a layer returns.
        warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view tensor", UserWarning)
        for layer in list(model.modules()):
            if isinstance(layer, CrossBlock):
                # Used before its layer is: the keys and values of a memory are projected outside of the layer.
                fully_shard(layer.cross_attention.key_value, mesh=mesh)
            if isinstance(layer, Block | CrossBlock):
                fully_shard(layer, mesh=mesh)
        fully_shard(model, mesh=mesh)
        register_fsdp_forward_method(model, "hidden")

    def collect(self, sums: Tensor, parameters: Sequence[nn.Parameter]) -> Tensor:
        """The sums (N,) of loss and figures over all shares; the backward pass has summed the gradients."""
        distributed.all_reduce(sums)
        return sums

    def whole_number(self, number: Tensor) -> Tensor:
        """A number computed from parameters, as every process sees it."""
        return number.full_tensor() if isinstance(number, DTensor) else number

    @torch.no_grad()
    def gathered(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Whole tensors on the CPU, for the first process, and none for the others; one after another, so that no
        device holds them all."""
        found = {}
        for name, tensor in tensors.items():
            whole = self.whole_number(tensor)
            if self.main:
                found[name] = whole.cpu()
        return found

    def parted(self, whole: Tensor, like: Tensor) -> Tensor:
        """What this process keeps of a whole tensor, as it keeps a parameter of that shape."""
        if not isinstance(like, DTensor) or whole.shape != like.shape:
            return whole
        return distribute_tensor(whole.to(like.device), like.device_mesh, like.placements, src_data_rank=None)

    @contextmanager
    def whole(self, model: Model) -> Iterator[Model | None]:
        """A whole model that computes by itself, for the first process; None for the others."""
        device = next(model.parameters()).device
        weights = self.gathered(dict(model.named_parameters()))
        if self._copy is None:
            yield None
            return
        with torch.no_grad():
            for name, weight in self._copy.named_parameters():
                weight.copy_(weights[name])
        made: Model = self._copy.to(device)  # type: ignore[assignment]
        yield made
        self._copy.cpu()
