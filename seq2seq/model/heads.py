"""Heads: from the states of a stack to logits of a vocabulary, logits of classes, or a number per position.

Shapes: B batch, S sequence, C model width, V vocabulary.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from seq2seq.model.embedding import Embedding
from seq2seq.recipe import Model as ModelConfig

# A pre-norm state still holds its input's embedding, for which a tied head predicts the input token again: the last
# norm starts so small that this raises the loss by at most this many nats. The projection of an initial state on that
# embedding is 1 with zero-initialised residual branches; with others, three quarters is a safe estimate.
_OWN_INPUT = 0.16
_ALONG_OWN_INPUT = {"zero": 1.0, "scaled": 0.75, "full": 0.75}


class VocabularyHead(nn.Linear):
    """States (..., C) to logits (..., V): by the embedding's own matrix where tied (section 3.4), else by one drawn
    with the same deviation. It has no bias."""

    def __init__(self, embedding: Embedding, *, tied: bool) -> None:
        super().__init__(embedding.embedding_dim, embedding.num_embeddings, bias=False)
        if tied:
            self.weight = embedding.weight
        else:
            nn.init.normal_(self.weight, std=embedding.deviation)


class ClassHead(nn.Linear):
    """Logits of classes from the mean of those states of a sequence that a mask allows."""

    def forward(self, states: Tensor, mask: Tensor | None = None) -> Tensor:
        """States (B, S, C), mask (B, 1, 1, S) -> logits (B, classes)."""
        if mask is None:
            return super().forward(states.mean(1))
        counted = mask[:, 0, 0, :, None]  # (B, S, 1)
        return super().forward((states * counted).sum(1) / counted.sum(1))


class FirstClassHead(nn.Linear):
    """Logits of classes from the first state of a sequence, whose token is the same in all of them."""

    def forward(self, states: Tensor, mask: Tensor | None = None) -> Tensor:
        """States (B, S, C) -> logits (B, classes); a mask hides no first state."""
        return super().forward(states[:, 0])


class ScalarHead(nn.Linear):
    """A number per position: a value, or at the last position a reward."""

    def __init__(self, d_model: int) -> None:
        super().__init__(d_model, 1)

    def forward(self, states: Tensor) -> Tensor:
        """States (..., C) -> (...)."""
        return super().forward(states).squeeze(-1)


def scale_last_norm(norm: nn.Module, embedding: Embedding, config: ModelConfig) -> None:
    """Start the norm that ends a pre-norm stack so small that a tied head begins near the uniform distribution.

    A state of norm √d along an embedding of deviation σ gives that token the logit dσg, with a gain g.
    """
    if config.norm == "post":
        return
    logit = math.log1p(math.expm1(_OWN_INPUT) * embedding.num_embeddings)
    own = embedding.embedding_dim * embedding.deviation * _ALONG_OWN_INPUT[config.residual_start]
    nn.init.constant_(norm.get_parameter("weight"), min(1.0, logit / own))
