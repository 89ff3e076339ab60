"""An encoder that fills in masked tokens (BERT; Devlin et al., 2019): logits = head(encoder(tokens)).

Shapes: B batch, S sequence, C model width, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seq2seq.model import flops
from seq2seq.model.blocks import Block
from seq2seq.model.components import initialise
from seq2seq.model.embedding import Embedding
from seq2seq.model.heads import VocabularyHead, scale_last_norm
from seq2seq.model.positions import added_positions
from seq2seq.model.stack import Encoder
from seq2seq.recipe import Model as ModelConfig


class MaskedEncoder(nn.Module):
    """The encoder of section 3.1, its embedding matrix also the head. All weights are those of `encoder`, as a
    classifier has them."""

    def __init__(self, config: ModelConfig, vocabulary: int) -> None:
        super().__init__()
        embedding = Embedding(vocabulary, config.d_model, scaled=config.scale_embedding)
        self.encoder = Encoder(config, embedding, added_positions(config, config.max_length))
        initialise(self.encoder.blocks, config)
        scale_last_norm(self.encoder.norm, embedding, config)
        self.head: nn.Linear = VocabularyHead(embedding, tied=True)

    @property
    def last_norm(self) -> nn.Module:
        """The normalisation that the states come from."""
        return self.encoder.last_norm

    def layers(self) -> list[Block]:
        """The layers of the encoder."""
        return self.encoder.layers()

    def matrices(self) -> list[nn.Parameter]:
        """The matrices of the layers, in their order: what Muon takes."""
        return self.encoder.matrices()

    def forward_flops(self, tokens: Tensor, mask: Tensor | None, *, counted: Tensor) -> float:
        """FLOPs that a forward pass needs for S positions of each row, and for the logits of the labels `counted`
        (B, S), bool."""
        S = flops.lengths(torch.ones_like(tokens) if mask is None else mask[:, 0, 0])
        attention = len(self.layers()) * flops.of_attention(self.head.in_features, S, S)
        return flops.of_weights(self.matrices(), S) + attention + flops.of_weights([self.head.weight], counted)

    def hidden(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, S), mask (B, 1, 1, S) or None -> the states before `head`, (B, S, C)."""
        return self.encoder(tokens, mask)  # type: ignore[no-any-return]

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, S), mask (B, 1, 1, S) or None -> logits (B, S, V) of the tokens that were there."""
        return self.head(self.hidden(tokens, mask))  # type: ignore[no-any-return]
