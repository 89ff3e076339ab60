"""An encoder alone and a head on its states: what fills in masked tokens, and what classifies.

Shapes: B batch, S sequence, C model width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seq2seq.model import flops
from seq2seq.model.blocks import Block
from seq2seq.model.components import initialise
from seq2seq.model.embedding import Embedding
from seq2seq.model.positions import added_positions
from seq2seq.model.stack import Encoder
from seq2seq.recipe import Model as ModelConfig


class EncoderOnly(nn.Module):
    """An encoder, and a head that a subclass gives it. All weights but the head's are those of `encoder`: it can begin
    with the weights of another one's encoder, or of a GPT where it is a `CausalEncoder`."""

    head: nn.Linear

    def __init__(self, config: ModelConfig, vocabulary: int, encoder: type[Encoder] = Encoder) -> None:
        super().__init__()
        embedding = Embedding(vocabulary, config.d_model, scaled=config.scale_embedding)
        self.encoder = encoder(config, embedding, added_positions(config, config.max_length))
        initialise(self.encoder.blocks, config)

    def layers(self) -> list[Block]:
        """The layers of the encoder."""
        return self.encoder.layers()

    def matrices(self) -> list[nn.Parameter]:
        """The matrices of the layers, in their order: what Muon takes."""
        return self.encoder.matrices()

    def hidden(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, S), mask (B, 1, 1, S) or None -> the states before `head`, (B, S, C)."""
        return self.encoder(tokens, mask)  # type: ignore[no-any-return]

    def forward_flops(self, tokens: Tensor, mask: Tensor | None, *, counted: Tensor) -> float:
        """FLOPs that a forward pass needs for S positions of each row, and for the labels `counted`, bool: (B,) of
        rows, or (B, S) of positions."""
        S = flops.lengths(torch.ones_like(tokens) if mask is None else mask[:, 0, 0])
        return (
            flops.of_weights(self.matrices(), S)
            + self.encoder.attention_flops(S)
            + flops.of_weights([self.head.weight], counted)
        )
