"""An encoder that classifies: logits = head(encoder(tokens)), the head pooling the encoder's states.

Shapes: B batch, S sequence, C model width, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seq2seq.model import flops
from seq2seq.model.blocks import Block
from seq2seq.model.components import initialise
from seq2seq.model.embedding import Embedding
from seq2seq.model.heads import ClassHead, FirstClassHead
from seq2seq.model.positions import added_positions
from seq2seq.model.stack import Encoder
from seq2seq.recipe import Model as ModelConfig


class Classifier(nn.Module):
    """An encoder and a class head, which starts at zero: every class is equally probable at first.

    All weights but the head's are those of `encoder`: it can begin with the weights of another model's encoder, or of a
    GPT where it is a `CausalEncoder`.
    """

    def __init__(self, config: ModelConfig, vocabulary: int, classes: int, encoder: type[Encoder] = Encoder) -> None:
        super().__init__()
        embedding = Embedding(vocabulary, config.d_model, scaled=config.scale_embedding)
        self.encoder = encoder(config, embedding, added_positions(config, config.max_length))
        initialise(self.encoder.blocks, config)
        head = FirstClassHead if config.pooling == "first" else ClassHead
        self.head: nn.Linear = head(config.d_model, classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def layers(self) -> list[Block]:
        """The layers of the encoder."""
        return self.encoder.layers()

    def matrices(self) -> list[nn.Parameter]:
        """The matrices of the layers, in their order: what Muon takes."""
        return self.encoder.matrices()

    def hidden(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """The states before `head`, (B, S, C)."""
        return self.encoder(tokens, mask)  # type: ignore[no-any-return]

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, S), mask (B, 1, 1, S) or None -> logits (B, K)."""
        return self.head(self.hidden(tokens, mask), mask)  # type: ignore[no-any-return]

    def forward_flops(self, tokens: Tensor, mask: Tensor | None, *, counted: Tensor) -> float:
        """FLOPs that a forward pass needs for S positions of each row, and for the labels `counted` (B,), bool."""
        S = flops.lengths(torch.ones_like(tokens) if mask is None else mask[:, 0, 0])
        return (
            flops.of_weights(self.matrices(), S)
            + self.encoder.attention_flops(S)
            + flops.of_weights([self.head.weight], counted)
        )
