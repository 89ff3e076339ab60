"""An encoder that classifies: logits = head(encoder(tokens)), the head pooling the encoder's states.

Shapes: B batch, S sequence, K classes.
"""

from __future__ import annotations

from torch import Tensor, nn

from seq2seq.model.encoder_only import EncoderOnly
from seq2seq.model.heads import ClassHead, FirstClassHead
from seq2seq.model.stack import Encoder
from seq2seq.recipe import Model as ModelConfig


class EncoderClassifier(EncoderOnly):
    """An encoder and a class head, which starts at zero: every class is equally probable at first."""

    def __init__(self, config: ModelConfig, vocabulary: int, classes: int, encoder: type[Encoder] = Encoder) -> None:
        super().__init__(config, vocabulary, encoder)
        head = FirstClassHead if config.pooling == "first" else ClassHead
        self.head = head(config.d_model, classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, S), mask (B, 1, 1, S) or None -> logits (B, K)."""
        return self.head(self.hidden(tokens, mask), mask)  # type: ignore[no-any-return]
