"""A model sharded over the processes (FSDP2): weights, gradients, optimiser; a layer is gathered while it computes."""

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
from seq2seq.training.optimisers import class_of
from seq2seq.training.parallel.team import ModelT, Replicas


class Shards(Replicas):
    """A process with a shard of every layer. All compute every pass together, so that none may use micro-batches."""

    way = "fsdp"
    cuts = False

    def __init__(self, device: str) -> None:
        super().__init__(device)
        self.divisor = self.size
        self._copy: nn.Module | None = None

    def check(self, recipe: Recipe) -> None:
        kind = recipe.optimizer.kind
        if class_of(kind).whole_matrices:
            raise RecipeError(
                f'optimizer.kind = "{kind}" needs whole matrices, which --parallel fsdp divides among the processes; '
                "use --parallel ddp, or adamw"
            )
        if recipe.training.compile:
            raise RecipeError("training.compile = true does not go with --parallel fsdp; use --parallel ddp")

    def distribute(self, model: nn.Module, seed: int) -> None:
        """Shard each layer, and everything outside layers (embeddings, head) as one more."""
        super().distribute(model, seed)
        self._copy = copy.deepcopy(model).cpu() if self.main else None
        device = next(model.parameters()).device
        mesh = init_device_mesh(device.type, (self.size,))
        # No output of a layer is changed in place.
        warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view tensor", UserWarning)
        for layer in list(model.modules()):
            if isinstance(layer, CrossBlock):
                # Used before its layer: the keys and values of a memory are projected outside it.
                fully_shard(layer.cross_attention.key_value, mesh=mesh)
            if isinstance(layer, Block | CrossBlock):
                fully_shard(layer, mesh=mesh)
        fully_shard(model, mesh=mesh)
        register_fsdp_forward_method(model, "hidden")

    def all_reduce(self, sums: Tensor, parameters: Sequence[nn.Parameter]) -> Tensor:
        """`sums` (N,), of loss and figures, over all processes; the backward pass has summed the gradients."""
        distributed.all_reduce(sums)
        return sums

    def full_tensor(self, tensor: Tensor) -> Tensor:
        return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor

    @torch.no_grad()
    def gather(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """On the CPU, one after another, so that no device holds them all; none for the other processes."""
        gathered = {}
        for name, tensor in tensors.items():
            full = self.full_tensor(tensor)
            if self.main:
                gathered[name] = full.cpu()
        return gathered

    def shard(self, full: Tensor, like: Tensor) -> Tensor:
        if not isinstance(like, DTensor) or full.shape != like.shape:
            return full
        return distribute_tensor(full.to(like.device), like.device_mesh, like.placements, src_data_rank=None)

    @contextmanager
    def full_model(self, model: ModelT) -> Iterator[ModelT | None]:
        device = next(model.parameters()).device
        weights = self.gather(dict(model.named_parameters()))
        if self._copy is None:
            yield None
            return
        with torch.no_grad():
            for name, weight in self._copy.named_parameters():
                weight.copy_(weights[name])
        full: ModelT = self._copy.to(device)  # type: ignore[assignment]
        yield full
        self._copy.cpu()
