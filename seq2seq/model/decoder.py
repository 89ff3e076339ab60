"""The decoder: target tokens to states, attending to the memory that an encoder computed of a source.

Shapes: B batch, N hypotheses, S source length, T target length, C model width.
"""

from __future__ import annotations

from torch import Tensor, nn

from seq2seq.model.blocks import CrossBlock
from seq2seq.model.embedding import Embedding
from seq2seq.model.stack import Stack
from seq2seq.model.state import Cache, State
from seq2seq.recipe import Model as ModelConfig


class Decoder(Stack[CrossBlock]):
    """The decoder of section 3.1."""

    def __init__(self, config: ModelConfig, embedding: Embedding, positions: nn.Module) -> None:
        layers = (CrossBlock(config) for _ in range(config.decoder_layers))
        super().__init__(config, embedding, positions, layers)

    def forward(self, target: Tensor, memory: Tensor, memory_mask: Tensor | None = None) -> Tensor:
        """Target (B, T) over memory (B, S, C) -> states (B, T, C); position t sees target up to t."""
        x = self.dropout(self.embed(target))
        for block in self.layers():
            x = block(x, block.project(memory), memory_mask)
        return self.norm(x)  # type: ignore[no-any-return]

    def start(self, memory: Tensor, memory_mask: Tensor | None = None) -> State:
        """The decoding state over B memories, before any token."""
        memories = [block.project(memory) for block in self.layers()]
        return State([Cache() for _ in memories], memories, memory_mask)

    def step(self, tokens: Tensor, state: State) -> Tensor:
        """The next tokens (N, T) of each hypothesis -> states (N, T, C); `state` is updated."""
        x = self.embed(tokens, start=state.length)
        for block, memory, cache in zip(self.layers(), state.memories, state.caches, strict=True):
            x = block(x, memory, state.memory_mask, cache)
        state.length += tokens.size(1)
        return self.norm(x)  # type: ignore[no-any-return]
