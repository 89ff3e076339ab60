"""Stacks of layers: what encoder, decoder and GPT have in common, the encoder, and the decoder.

Shapes: B batch, N hypotheses, S source length, T target length, C model width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar, cast

from torch import Tensor, nn

from seq2seq.model import flops
from seq2seq.model.blocks import Block, CrossBlock
from seq2seq.model.components import normalization
from seq2seq.model.dropout import Dropout
from seq2seq.model.embedding import Embedding
from seq2seq.model.state import Cache, State
from seq2seq.recipe import Model as ModelConfig

Layer = TypeVar("Layer", bound=Block | CrossBlock)


class Layered(Protocol):
    """A model of layers."""

    def layers(self) -> Sequence[nn.Module]:
        """The layers, first to last."""

    def matrices(self) -> list[nn.Parameter]:
        """The matrices of the layers, first to last: what Muon takes."""


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


class Encoder(Stack[Block]):
    """The encoder of section 3.1."""

    def __init__(self, config: ModelConfig, embedding: Embedding, positions: nn.Module) -> None:
        layers = (Block(config, causal=False) for _ in range(config.encoder_layers))
        super().__init__(config, embedding, positions, layers)

    def forward(self, source: Tensor, mask: Tensor | None = None) -> Tensor:
        """Source (B, S), mask broadcastable to (B, H, S, S), as (B, 1, 1, S) for padding -> states (B, S, C)."""
        x = self.dropout(self.embed(source))
        for block in self.layers():
            x = block(x, mask)
        return self.norm(x)  # type: ignore[no-any-return]

    def attention_flops(self, lengths: Tensor) -> float:
        """FLOPs of attention in all layers, for the lengths (B,) of rows."""
        return len(self.blocks) * flops.of_attention(self.embedding.embedding_dim, lengths, lengths)


class CausalEncoder(Encoder):
    """The layers of a GPT in the place of an encoder's: the state of a position holds what is before it alone."""

    def __init__(self, config: ModelConfig, embedding: Embedding, positions: nn.Module) -> None:
        layers = (Block(config, causal=True) for _ in range(config.decoder_layers))
        Stack.__init__(self, config, embedding, positions, layers)

    def attention_flops(self, lengths: Tensor) -> float:
        """The same where a position sees those before it alone."""
        return len(self.blocks) * flops.of_causal_attention(self.embedding.embedding_dim, lengths)


class Decoder(Stack[CrossBlock]):
    """The decoder of section 3.1."""

    def __init__(self, config: ModelConfig, embedding: Embedding, positions: nn.Module) -> None:
        layers = (CrossBlock(config) for _ in range(config.decoder_layers))
        super().__init__(config, embedding, positions, layers)

    def forward(self, target: Tensor, memory: Tensor, memory_mask: Tensor | None = None) -> Tensor:
        """Target (B, T) over memory (B, S, C) -> states (B, T, C); position t sees target up to t."""
        x = self.dropout(self.embed(target))
        for block in self.layers():
            x = block(x, block.cross_attention.project(memory), memory_mask)
        return self.norm(x)  # type: ignore[no-any-return]

    def start(self, memory: Tensor, memory_mask: Tensor | None = None) -> State:
        """The decoding state over B memories, before any token."""
        memories = [block.cross_attention.project(memory) for block in self.layers()]
        return State([Cache() for _ in memories], memories, memory_mask)

    def step(self, tokens: Tensor, state: State) -> Tensor:
        """The next tokens (N, T) of each hypothesis -> states (N, T, C); `state` is updated."""
        x = self.embed(tokens, start=state.length)
        for block, memory, cache in zip(self.layers(), state.memories, state.caches, strict=True):
            x = block(x, memory, state.memory_mask, cache)
        state.length += tokens.size(1)
        return self.norm(x)  # type: ignore[no-any-return]


def matrices_of(layers: Iterable[nn.Module]) -> list[nn.Parameter]:
    """The matrices of some layers, in order."""
    return [weight for layer in layers for weight in layer.parameters() if weight.dim() == 2]
