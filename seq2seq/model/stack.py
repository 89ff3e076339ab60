"""What encoder, decoder and GPT have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar, cast

from torch import Tensor, nn

from seq2seq.model.blocks import Block, CrossBlock
from seq2seq.model.components import normalization
from seq2seq.model.dropout import Dropout
from seq2seq.model.embedding import Embedding
from seq2seq.recipe import Model as ModelConfig

Layer = TypeVar("Layer", bound=Block | CrossBlock)


class Stack(nn.Module, Generic[Layer]):
    """Token vectors with positions, dropout, layers, and a last norm where layers are pre-norm.

    Embedding and positions are given, since stacks may share them.
    """

    def __init__(
        self, config: ModelConfig, embedding: Embedding, positions: nn.Module, layers: Iterable[Layer]
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.positions = positions
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(layers)
        # Pre-norm leaves the residual stream unnormalised: the stack then ends with a norm of its own.
        self.norm = normalization(config) if config.norm == "pre" else nn.Identity()

    @property
    def last_norm(self) -> nn.Module:
        """The normalisation that the states come from."""
        if isinstance(self.norm, nn.Identity):
            return self.layers()[-1].feed_forward_residual.norm
        return self.norm

    def layers(self) -> list[Layer]:
        """The layers, first to last."""
        return cast(list[Layer], list(self.blocks))

    def matrices(self) -> list[nn.Parameter]:
        """The matrices of the layers, first to last: what Muon takes."""
        return matrices_of(self.layers())

    def embed(self, tokens: Tensor, start: int = 0) -> Tensor:
        """Tokens (B, T), the first at position `start` -> vectors (B, T, C)."""
        return self.positions(self.embedding(tokens), start)  # type: ignore[no-any-return]


def matrices_of(layers: Iterable[nn.Module]) -> list[nn.Parameter]:
    """The matrices of some layers, in order."""
    return [weight for layer in layers for weight in layer.parameters() if weight.dim() == 2]
