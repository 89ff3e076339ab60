"""The encoder: tokens to states, each position attends to all others."""

from __future__ import annotations

from torch import Tensor, nn

from seq2seq.model.blocks import Block
from seq2seq.model.embedding import Embedding
from seq2seq.model.stack import Stack
from seq2seq.recipe import Model as ModelConfig


class Encoder(Stack[Block]):
    """The encoder of section 3.1."""

    def __init__(self, config: ModelConfig, embedding: Embedding, positions: nn.Module) -> None:
        layers = (Block(config, causal=False) for _ in range(config.encoder_layers))
        super().__init__(config, embedding, positions, layers)

    def forward(self, source: Tensor, mask: Tensor | None = None) -> Tensor:
        """Source (B, S) -> states (B, S, C). Masks broadcast to (B, H, S, S): (B, 1, 1, S) for padding, or any
        graph."""
        x = self.dropout(self.embed(source))
        for block in self.layers():
            x = block(x, mask)
        return self.norm(x)  # type: ignore[no-any-return]
