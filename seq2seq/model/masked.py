"""An encoder that fills in masked tokens (BERT; Devlin et al., 2019): logits = head(encoder(tokens)).

Shapes: B batch, S sequence, V vocabulary.
"""

from __future__ import annotations

from torch import Tensor, nn

from seq2seq.model.encoder_only import EncoderOnly
from seq2seq.model.heads import VocabularyHead, scale_last_norm
from seq2seq.recipe import Model as ModelConfig


class MaskedEncoder(EncoderOnly):
    """The encoder of section 3.1, its embedding matrix also the head."""

    def __init__(self, config: ModelConfig, vocabulary: int) -> None:
        super().__init__(config, vocabulary)
        scale_last_norm(self.encoder.norm, self.encoder.embedding, config)
        self.head = VocabularyHead(self.encoder.embedding, tied=True)

    @property
    def last_norm(self) -> nn.Module:
        """The normalisation that the states come from."""
        return self.encoder.last_norm

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, S), mask (B, 1, 1, S) or None -> logits (B, S, V) of the tokens that were there."""
        return self.head(self.hidden(tokens, mask))  # type: ignore[no-any-return]
